namespace SLoRA.Text.Templates;

/// <content>Expressions.</content>
internal sealed partial class Evaluator
{
    /// <summary>The value of an expression.</summary>
    public object? Evaluate(Scope scope, Expression expression)
    {
        switch (expression)
        {
            case Constant constant:
                return constant.Value;
            case Name name:
                r.Budget.Step();
                return Lookup(scope, name);
        }

        r.Budget.Enter();
        r.Budget.Step();
        r.Line = expression.Line;
        object? value = Compound(scope, expression);
        r.Budget.Leave();
        return value;
    }

    private object? Compound(Scope scope, Expression expression)
    {
        switch (expression)
        {
            case MemberAccess member:
                return Members.Attribute(r, Evaluate(scope, member.Target), member.Id);
            case ItemAccess { Index: SliceIndex slice } item:
                return Slices.Of(r, Evaluate(scope, item.Target), Optional(scope, slice.Start), Optional(scope, slice.Stop),
                    Optional(scope, slice.Step));
            case ItemAccess item:
                return Members.Item(r, Evaluate(scope, item.Target), Evaluate(scope, item.Index));
            case Call call:
                object? target = Evaluate(scope, call.Target);
                Arguments arguments = Arguments(scope, call.Arguments);
                r.Line = call.Line;
                return Invoke(target, arguments);
            case FilterCall filter:
                return Filter(scope, filter, null);
            case TestCall test:
                object? tested = Evaluate(scope, test.Target);
                return TestLibrary.Call(r, test.Id, tested, Arguments(scope, test.Arguments));
            case Comparison comparison:
                return Compare(scope, comparison);
            case Logical logical:
                object? left = Evaluate(scope, logical.Left);
                return Truth.Of(left) == logical.And ? Evaluate(scope, logical.Right) : left;
            case Negation negation:
                return !Truth.Of(Evaluate(scope, negation.Operand));
            case Conditional conditional:
                return Choose(scope, conditional);
            case Arithmetic arithmetic:
                object? first = Evaluate(scope, arithmetic.Left);
                object? second = Evaluate(scope, arithmetic.Right);
                r.Line = arithmetic.Line;
                return Operators.Apply(r, arithmetic.Operator, first, second);
            case Signed signed:
                return Operators.Sign(r, signed.Minus, Evaluate(scope, signed.Operand));
            case Concatenation concatenation:
                return Concatenate(scope, concatenation);
            case ListLiteral list:
                return Iteration.List(r, EvaluateAll(scope, list.Items));
            case TupleLiteral tuple:
                r.Budget.Entries(tuple.Items.Length);
                return new TemplateTuple(EvaluateAll(scope, tuple.Items));
            case DictLiteral dict:
                return Dict(scope, dict);
            case SliceIndex:
                throw r.Runtime("a slice among several indices is not supported");
            default:
                throw new InvalidOperationException(expression.GetType().Name);
        }
    }

    /// <summary>Calls a value.</summary>
    public object? Invoke(object? target, Arguments arguments)
    {
        if (target is not Callable callable)
        {
            r.Defined(target);
            throw r.Runtime($"'{Types.Name(target)}' object is not callable");
        }

        r.Budget.Enter();
        object? result = callable.Invoke(r, arguments);
        r.Budget.Leave();
        return result;
    }

    private object? Lookup(Scope scope, Name name)
    {
        if (scope.TryGet(name.Id, out object? value) || Globals.TryGet(name.Id, out value))
        {
            return value;
        }

        return name.Id == "self" ? SelfReference.Of(r) : Undefined.Name(name.Id);
    }

    private object? Optional(Scope scope, Expression? expression) => expression is null ? null : Evaluate(scope, expression);

    private object?[] EvaluateAll(Scope scope, Expression[] expressions)
    {
        if (expressions.Length == 0)
        {
            return [];
        }

        object?[] values = new object?[expressions.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Evaluate(scope, expressions[i]);
        }

        return values;
    }

    private TemplateDict Dict(Scope scope, DictLiteral literal)
    {
        r.Budget.Entries(2 * literal.Items.Length);
        var dict = new TemplateDict(literal.Items.Length);
        foreach ((Expression key, Expression value) in literal.Items)
        {
            object? name = Evaluate(scope, key);
            if (!KeyComparer.CanHash(r, name))
            {
                throw r.Runtime($"a {Types.Name(name)} cannot be a key");
            }

            dict.Set(name, Evaluate(scope, value));
        }

        return dict;
    }

    private bool Compare(Scope scope, Comparison comparison)
    {
        object? left = Evaluate(scope, comparison.First);
        foreach ((string op, Expression operand) in comparison.Rest)
        {
            object? right = Evaluate(scope, operand);
            r.Line = comparison.Line;
            if (!Operators.Holds(r, left, op, right))
            {
                return false;
            }

            left = right;
        }

        return true;
    }

    private object? Choose(Scope scope, Conditional conditional)
    {
        if (Truth.Of(Evaluate(scope, conditional.Test)))
        {
            return Evaluate(scope, conditional.Then);
        }

        return conditional.Else is null
            ? new Undefined("the inline if-expression evaluated to false and no else section was defined")
            : Evaluate(scope, conditional.Else);
    }

    private object Concatenate(Scope scope, Concatenation concatenation)
    {
        object?[] values = EvaluateAll(scope, concatenation.Parts);
        bool markup = r.Autoescape && Array.Exists(values, v => v is Markup);
        var text = new TextBuilder();
        foreach (object? value in values)
        {
            object part = Representation.TextOf(r, value);
            if (markup && value is not Markup)
            {
                part = Escaped(part);
            }

            r.Budget.Characters(part.ToString()!.Length);
            text.AppendText(part);
        }

        return markup ? Markup.Of(text.ToText()) : text.ToText();
    }

    // Filters of a chain from the inside out; the innermost may take the text of a block.
    private object? Filter(Scope scope, FilterCall filter, object? blockText)
    {
        object? value = filter.Target switch
        {
            null => blockText,
            FilterCall inner => Nested(scope, inner, blockText),
            Expression target => Evaluate(scope, target),
        };
        Arguments arguments = Arguments(scope, filter.Arguments);
        r.Line = filter.Line;
        return FilterLibrary.Call(r, filter.Id, value, arguments);
    }

    private object? Nested(Scope scope, FilterCall inner, object? blockText)
    {
        r.Budget.Enter();
        r.Budget.Step();
        object? value = Filter(scope, inner, blockText);
        r.Budget.Leave();
        return value;
    }

    private Arguments Arguments(Scope scope, CallArguments written)
    {
        if (ReferenceEquals(written, CallArguments.None))
        {
            return Templates.Arguments.None;
        }

        object?[] positional = EvaluateAll(scope, written.Positional);
        if (written.Rest is not null)
        {
            object?[] rest = Iteration.ToArray(r, Evaluate(scope, written.Rest));
            r.Budget.Entries(rest.Length);
            positional = [.. positional, .. rest];
        }

        var named = new List<KeyValuePair<string, object?>>(written.Named.Length);
        foreach ((string name, Expression value) in written.Named)
        {
            named.Add(new(name, Evaluate(scope, value)));
        }

        if (written.RestNamed is not null)
        {
            Spread(Evaluate(scope, written.RestNamed), named);
        }

        return new Arguments(positional, named);
    }

    private void Spread(object? value, List<KeyValuePair<string, object?>> named)
    {
        if (value is not TemplateDict dict)
        {
            throw r.Runtime($"the argument after ** must be a mapping, not {Types.Name(value)}");
        }

        r.Budget.Entries(dict.Count);
        int written = named.Count;
        foreach ((object? key, object? item) in dict.Entries)
        {
            if (!Types.IsText(key))
            {
                throw r.Runtime("keywords must be text");
            }

            string name = key!.ToString()!;
            // Keys of one dictionary differ, so only the names written in the call can clash.
            if (named.FindIndex(0, written, n => n.Key == name) >= 0)
            {
                throw r.Runtime($"multiple values for the keyword argument '{name}'");
            }

            if (key is RichText { Content: not null })
            {
                r.NamedByContent(name);
            }

            named.Add(new(name, item));
        }
    }
}
