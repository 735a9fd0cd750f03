namespace SLoRA.Text.Templates;

/// <content>Filters and tests.</content>
internal sealed partial class Parser
{
    private Expression FiltersAndTests(Expression value)
    {
        while (true)
        {
            if (_tokens.Current.IsOperator("|"))
            {
                value = Filters(value);
            }
            else if (_tokens.Current.IsName("is"))
            {
                value = Test(value);
            }
            else if (_tokens.Current.IsOperator("("))
            {
                value = new Call(_tokens.Current.Line, value, Arguments());
            }
            else
            {
                return value;
            }
        }
    }

    // A chain of filters; inline when the first has no bar before it.
    private FilterCall Filters(Expression? value, bool inline = false)
    {
        while (inline || _tokens.Current.IsOperator("|"))
        {
            if (!inline)
            {
                _tokens.Take();
            }

            inline = false;
            (string name, int line) = DottedName();
            if (!_conditional && !FilterLibrary.Exists(name))
            {
                _unknown.Add(($"no filter named '{name}'", line));
            }

            CallArguments arguments = _tokens.Current.IsOperator("(") ? Arguments() : CallArguments.None;
            value = new FilterCall(line, value, name, arguments);
        }

        return (FilterCall)value!;
    }

    private Expression Test(Expression value)
    {
        int line = _tokens.Take().Line;
        bool negated = _tokens.SkipName("not");
        (string name, _) = DottedName();
        if (!_conditional && !TestLibrary.Exists(name))
        {
            _unknown.Add(($"no test named '{name}'", line));
        }

        Expression test = new TestCall(line, value, name, TestArguments());
        return negated ? new Negation(line, test) : test;
    }

    // In parentheses, or one value right after the test's name: x is divisibleby 3.
    private CallArguments TestArguments()
    {
        Token token = _tokens.Current;
        if (token.IsOperator("("))
        {
            return Arguments();
        }

        bool starts = token.Kind is TokenKind.Text or TokenKind.Number
            || (token.Kind == TokenKind.Operator && token.Text is "[" or "{")
            || (token.Kind == TokenKind.Name && token.Text is not ("else" or "or" or "and"));
        if (!starts)
        {
            return CallArguments.None;
        }

        if (token.IsName("is"))
        {
            throw _tokens.Error("tests cannot be chained with 'is'");
        }

        return new CallArguments([Postfix(Primary())], [], null, null);
    }

    private (string Name, int Line) DottedName()
    {
        Token token = _tokens.Expect(TokenKind.Name, "a name");
        string name = token.Text;
        while (_tokens.SkipOperator("."))
        {
            name += "." + _tokens.Expect(TokenKind.Name, "a name").Text;
        }

        return (name, token.Line);
    }
}
