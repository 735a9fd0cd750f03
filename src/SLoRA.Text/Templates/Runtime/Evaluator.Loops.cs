namespace SLoRA.Text.Templates;

/// <content>Loops and assignment.</content>
internal sealed partial class Evaluator
{
    private Flow For(Scope scope, ForStatement loop)
    {
        object? source = Evaluate(scope, loop.Source);
        return Run(scope, loop, source, 0);
    }

    // The flow is what the else part leaves: break and continue there belong to the loop around this one.
    private Flow Run(Scope scope, ForStatement loop, object? source, int depth)
    {
        r.Budget.Enter();
        IEnumerable<object?> items = Iteration.Over(r, source);
        if (loop.Filter is not null)
        {
            items = Matching(scope, loop, items);
        }

        Func<object?, int, object>? recurse = loop.Recursive ? (next, level) => Recurse(scope, loop, next, level) : null;
        using IEnumerator<object?> enumerator = items.GetEnumerator();
        var state = new LoopState(enumerator, depth, recurse);
        Flow flow = Flow.Next;
        bool completed = false;
        while (flow != Flow.Break && state.Advance())
        {
            r.Budget.Step();
            var inner = new Scope(scope);
            Assign(inner, loop.Target, state.Current);
            inner.Set("loop", state);
            flow = Execute(inner, loop.Body);
            completed |= flow == Flow.Next;
        }

        // As the reference: the else part also runs when every round ended in break or continue.
        flow = !completed ? Execute(new Scope(scope), loop.Else) : Flow.Next;
        r.Budget.Leave();
        return flow;
    }

    private object Recurse(Scope scope, ForStatement loop, object? source, int depth)
    {
        Output before = _output;
        _output = new Output(r.Budget);
        Run(scope, loop, source, depth);
        object text = _output.ToText();
        _output = before;
        return text;
    }

    // Lazily, so that the condition sees what the body has changed in a namespace.
    private IEnumerable<object?> Matching(Scope scope, ForStatement loop, IEnumerable<object?> items)
    {
        foreach (object? item in items)
        {
            r.Budget.Step();
            var inner = new Scope(scope);
            Assign(inner, loop.Target, item);
            if (Truth.Of(Evaluate(inner, loop.Filter!)))
            {
                yield return item;
            }
        }
    }

    private void Assign(Scope scope, Target target, object? value)
    {
        switch (target)
        {
            case NameTarget name:
                scope.Set(name.Id, value);
                break;
            case NamespaceTarget member:
                if (!scope.TryGet(member.Id, out object? owner) || owner is not TemplateNamespace space)
                {
                    throw r.Runtime($"cannot assign '{member.Member}' on '{member.Id}', which is no namespace");
                }

                space.Set(r, member.Member, value);
                break;
            case TupleTarget tuple:
                Unpack(scope, tuple, value);
                break;
        }
    }

    private void Unpack(Scope scope, TupleTarget target, object? value)
    {
        int count = target.Items.Length;
        var items = new List<object?>(count);
        foreach (object? item in Iteration.Over(r, value))
        {
            if (items.Count == count)
            {
                throw r.Runtime($"too many values to unpack (expected {count})");
            }

            items.Add(item);
        }

        if (items.Count < count)
        {
            throw r.Runtime($"not enough values to unpack (expected {count}, got {items.Count})");
        }

        for (int i = 0; i < count; i++)
        {
            Assign(scope, target.Items[i], items[i]);
        }
    }
}
