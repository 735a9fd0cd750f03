namespace SLoRA.Text.Templates;

/// <summary>Walks the tree: statements here, expressions in the other part. One per rendering.</summary>
internal sealed partial class Evaluator(Rendering r)
{
    // Where text goes now: the rendering's own output, or what a macro, call or block is collecting.
    private Output _output = r.Output;

    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    /// <summary>Runs the whole template.</summary>
    public void Run() => Execute(r.Root, r.Template.Body);

    /// <summary>Runs statements and returns their text instead of writing it.</summary>
    public object Capture(Scope scope, Statement[] body)
    {
        (object text, _) = Collect(scope, body);
        return text;
    }

    private (object Text, Flow Flow) Collect(Scope scope, Statement[] body)
    {
        Output before = _output;
        _output = new Output(r.Budget);
        Flow flow = Execute(scope, body);
        object text = _output.ToText();
        _output = before;
        return (text, flow);
    }

    private Flow Execute(Scope scope, Statement[] body)
    {
        r.Budget.Enter();
        if (r.Template.Unset.TryGetValue(body, out string[]? unset))
        {
            scope.Hide(unset);
        }

        Flow flow = Flow.Next;
        foreach (Statement statement in body)
        {
            r.Budget.Step();
            r.Line = statement.Line;
            flow = Execute(scope, statement);
            if (flow != Flow.Next)
            {
                break;
            }
        }

        r.Budget.Leave();
        return flow;
    }

    private Flow Execute(Scope scope, Statement statement)
    {
        switch (statement)
        {
            case TextStatement text:
                _output.Write(text.Text);
                return Flow.Next;
            case PrintStatement print:
                Write(Evaluate(scope, print.Value));
                return Flow.Next;
            case SetStatement set:
                Assign(scope, set.Target, Evaluate(scope, set.Value));
                return Flow.Next;
            case IfStatement choice:
                return If(scope, choice);
            case ForStatement loop:
                return For(scope, loop);
            case BreakStatement:
                return Flow.Break;
            case ContinueStatement:
                return Flow.Continue;
            case MacroStatement macro:
                scope.Set(macro.Id, new Macro(macro.Id, macro.Signature, macro.Body, scope));
                return Flow.Next;
            case CallStatement call:
                Call(scope, call);
                return Flow.Next;
            case GenerationStatement generation:
                Generation(scope, generation);
                return Flow.Next;
            case LoadStatement load:
                throw r.Runtime($"'{load.Tag}' is not possible: a chat template has no other templates to load");
            default:
                return Scoped(scope, statement);
        }
    }

    // Statements whose body has a scope of its own but shares the loop around it.
    private Flow Scoped(Scope scope, Statement statement)
    {
        var inner = new Scope(scope);
        switch (statement)
        {
            case SetBlockStatement set:
                {
                    (object text, Flow flow) = Collect(inner, set.Body);
                    if (flow != Flow.Next)
                    {
                        return flow;
                    }

                    object value = r.Captured(text);
                    Assign(scope, set.Target, set.Filter is null ? value : Filter(scope, set.Filter, value));
                    return Flow.Next;
                }

            case FilterStatement filter:
                {
                    (object text, Flow flow) = Collect(inner, filter.Body);
                    if (flow != Flow.Next)
                    {
                        return flow;
                    }

                    Write(Filter(scope, filter.Filter, r.Captured(text)));
                    return Flow.Next;
                }

            case WithStatement with:
                // All values see the outer scope: with a = 1, b = a takes b from outside.
                object?[] values = [.. with.Bindings.Select(b => Evaluate(scope, b.Value))];
                for (int i = 0; i < values.Length; i++)
                {
                    Assign(inner, with.Bindings[i].Target, values[i]);
                }

                return Execute(inner, with.Body);
            case AutoescapeStatement autoescape:
                {
                    bool before = r.Autoescape;
                    r.Autoescape = Truth.Of(Evaluate(scope, autoescape.Enabled));
                    Flow flow = Execute(inner, autoescape.Body);
                    r.Autoescape = before;
                    return flow;
                }

            case BlockStatement block:
                // A block sees what the template's top level sees; only a scoped one sees where it stands.
                return Execute(new Scope(block.Scoped ? scope : r.Root, isBlock: true), block.Body);
            default:
                throw new InvalidOperationException(statement.GetType().Name);
        }
    }

    private Flow If(Scope scope, IfStatement choice)
    {
        foreach ((Expression test, Statement[] body) in choice.Branches)
        {
            if (Truth.Of(Evaluate(scope, test)))
            {
                return Execute(scope, body);
            }
        }

        return Execute(scope, choice.Else);
    }

    private void Call(Scope scope, CallStatement call)
    {
        var caller = new Macro("caller", call.Signature, call.Body, scope);
        object? target = Evaluate(scope, call.Call.Target);
        Arguments arguments = Arguments(scope, call.Call.Arguments);
        Write(Invoke(target, new Arguments(arguments.Positional, [.. arguments.Named, new("caller", caller)])));
    }

    private void Generation(Scope scope, GenerationStatement generation)
    {
        // Positions count what the whole rendering has written; within a macro that is the text before its call.
        int start = r.Output.CodePoints;
        object text = Capture(new Scope(scope), generation.Body);
        r.Generation.Add((start, start + CodePoints.Count(text.ToString()!)));
        _output.Write(text);
    }

    private void Write(object? value)
    {
        object text = Representation.TextOf(r, value);
        _output.Write(r.Autoescape && value is not Markup ? Escaped(text) : text);
    }

    private object Escaped(object text)
    {
        object escaped = Markup.Escaped(text);
        r.Budget.Characters(escaped.ToString()!.Length);
        return escaped;
    }
}
