namespace SLoRA.Text.Templates;

/// <content>
/// Expressions, weakest first: if-else, or, and, not, comparison, + -, ~, * / // %, **, sign, then what follows a value: members, items, calls,
/// filters, tests. Note that ~ binds tighter than + and that ** goes from left to right.
/// </content>
internal sealed partial class Parser
{
    private static readonly string[][] BinaryLevels = [["+", "-"], ["~"], ["*", "/", "//", "%"], ["**"]];

    private Expression Expression(bool conditional = true)
    {
        Enter();
        Expression result = conditional ? Condition() : Or();
        _depth--;
        return result;
    }

    private Expression Condition()
    {
        int line = _tokens.Current.Line;
        int known = _unknown.Count;
        Expression value = Or();
        while (_tokens.SkipName("if"))
        {
            // What the condition may skip need not exist.
            _unknown.RemoveRange(known, _unknown.Count - known);
            Expression then = value;
            (Expression test, Expression? otherwise) = Within(true, () =>
            {
                Expression condition = Or();
                return (condition, _tokens.SkipName("else") ? Expression() : null);
            });
            value = new Conditional(line, test, then, otherwise);
        }

        return value;
    }

    private Expression Or()
    {
        Expression left = And();
        while (_tokens.Current.IsName("or"))
            left = new Logical(_tokens.Take().Line, false, left, And());
        return left;
    }

    private Expression And()
    {
        Expression left = Not();
        while (_tokens.Current.IsName("and"))
            left = new Logical(_tokens.Take().Line, true, left, Not());
        return left;
    }

    private Expression Not()
    {
        if (!_tokens.Current.IsName("not"))
            return Compare();
        int line = _tokens.Take().Line;
        Enter();
        Expression operand = Not();
        _depth--;
        return new Negation(line, operand);
    }

    private Expression Compare()
    {
        int line = _tokens.Current.Line;
        Expression first = Binary(0);
        List<(string, Expression)>? rest = null;
        while (ComparisonOperator() is { } op)
            (rest ??= []).Add((op, Binary(0)));
        return rest is null ? first : new Comparison(line, first, [.. rest]);
    }

    private string? ComparisonOperator()
    {
        Token token = _tokens.Current;
        if (token.Kind == TokenKind.Operator && token.Text is "==" or "!=" or "<" or "<=" or ">" or ">=")
            return _tokens.Take().Text;
        if (_tokens.SkipName("in"))
            return "in";
        if (!token.IsName("not") || !_tokens.Next.IsName("in"))
            return null;
        _tokens.Take();
        _tokens.Take();
        return "not in";
    }

    private Expression Binary(int level)
    {
        if (level == BinaryLevels.Length)
            return Unary();
        Expression left = Binary(level + 1);
        while (_tokens.Current.Kind == TokenKind.Operator && BinaryLevels[level].Contains(_tokens.Current.Text))
        {
            Token op = _tokens.Take();
            if (op.Text == "~")
            {
                left = Concat(op.Line, left);
                continue;
            }

            left = new Arithmetic(op.Line, op.Text, left, Binary(level + 1));
        }

        return left;
    }

    private Concatenation Concat(int line, Expression first)
    {
        var parts = new List<Expression> { first };
        do
            parts.Add(Binary(2));
        while (_tokens.SkipOperator("~"));
        return new Concatenation(line, [.. parts]);
    }

    private Expression Unary(bool filters = true)
    {
        Token token = _tokens.Current;
        Expression value;
        if (token.IsOperator("-") || token.IsOperator("+"))
        {
            _tokens.Take();
            Enter();
            value = new Signed(token.Line, token.Text == "-", Unary(filters: false));
            _depth--;
        }
        else
        {
            value = Primary();
        }

        value = Postfix(value);
        return filters ? FiltersAndTests(value) : value;
    }

    private Expression Primary()
    {
        Token token = _tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                _tokens.Take();
                return token.Text switch
                {
                    "true" or "True" => new Constant(token.Line, true),
                    "false" or "False" => new Constant(token.Line, false),
                    "none" or "None" => new Constant(token.Line, null),
                    _ => Named(token),
                };
            case TokenKind.Text:
                _tokens.Take();
                var text = new System.Text.StringBuilder((string)token.Value!);
                while (_tokens.Current.Kind == TokenKind.Text)
                    text.Append((string)_tokens.Take().Value!);
                return new Constant(token.Line, text.ToString());
            case TokenKind.Number:
                _tokens.Take();
                return new Constant(token.Line, token.Value);
        }

        if (token.IsOperator("("))
        {
            _tokens.Take();
            Expression inner = Tuple(parentheses: true);
            _tokens.ExpectOperator(")");
            return inner;
        }

        if (token.IsOperator("["))
            return new ListLiteral(token.Line, Items("]", () => Expression()));
        if (token.IsOperator("{"))
            return new DictLiteral(token.Line, Items("}", Pair));
        throw _tokens.Error($"unexpected '{token}'");
    }

    private Name Named(Token token)
    {
        _special.Read(token.Text);
        return new Name(token.Line, token.Text);
    }

    private (Expression Key, Expression Value) Pair()
    {
        Expression key = Expression();
        _tokens.ExpectOperator(":");
        return (key, Expression());
    }

    // What stands between the brackets of a list or dictionary; a comma after the last is allowed.
    private T[] Items<T>(string close, Func<T> item)
    {
        _tokens.Take();
        var items = new List<T>();
        while (!_tokens.Current.IsOperator(close))
        {
            if (items.Count > 0)
                _tokens.ExpectOperator(",");
            if (_tokens.Current.IsOperator(close))
                break;
            items.Add(item());
        }

        _tokens.Take();
        return [.. items];
    }

    // One expression, or several with commas between, which make a tuple.
    private Expression Tuple(bool conditional = true, bool parentheses = false)
    {
        int line = _tokens.Current.Line;
        var items = new List<Expression>();
        bool tuple = false;
        while (!EndsTuple())
        {
            items.Add(Expression(conditional));
            if (!_tokens.SkipOperator(","))
                break;
            tuple = true;
        }

        if (!tuple && items.Count == 1)
            return items[0];
        if (items.Count == 0 && !parentheses)
            throw _tokens.Unexpected("an expression");
        return new TupleLiteral(line, [.. items]);
    }

    private bool EndsTuple() => _tokens.Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd || _tokens.Current.IsOperator(")");

    private Expression Postfix(Expression value)
    {
        while (_tokens.Current.Kind == TokenKind.Operator)
        {
            int line = _tokens.Current.Line;
            switch (_tokens.Current.Text)
            {
                case ".":
                    value = Member(line, value);
                    break;
                case "[":
                    value = Subscript(line, value);
                    break;
                case "(":
                    value = new Call(line, value, Arguments());
                    break;
                default:
                    return value;
            }
        }

        return value;
    }

    private Expression Member(int line, Expression value)
    {
        _tokens.Take();
        Token name = _tokens.Take();
        return name.Kind switch
        {
            TokenKind.Name => new MemberAccess(line, value, name.Text),
            TokenKind.Number when name.Value is not double => new ItemAccess(line, value, new Constant(line, name.Value)),
            _ => throw new ChatTemplateException("template.syntax", $"expected a name or number after '.', got '{name}'", line),
        };
    }

    private ItemAccess Subscript(int line, Expression value)
    {
        _tokens.Take();
        var indices = new List<Expression>();
        while (!_tokens.Current.IsOperator("]"))
        {
            if (indices.Count > 0)
                _tokens.ExpectOperator(",");
            indices.Add(Index());
        }

        _tokens.Take();
        return new ItemAccess(line, value, indices.Count == 1 ? indices[0] : new TupleLiteral(line, [.. indices]));
    }

    private Expression Index()
    {
        int line = _tokens.Current.Line;
        Expression? start = _tokens.Current.IsOperator(":") ? null : Expression();
        if (!_tokens.SkipOperator(":"))
            return start!;
        Expression? stop = EndsBound() ? null : Expression();
        Expression? step = _tokens.SkipOperator(":") && !EndsBound() ? Expression() : null;
        return new SliceIndex(line, start, stop, step);
    }

    private bool EndsBound() => _tokens.Current.Kind == TokenKind.Operator && _tokens.Current.Text is ":" or "]" or ",";

    private CallArguments Arguments()
    {
        _tokens.Take();
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Expression? rest = null, restNamed = null;
        bool comma = false;
        while (!_tokens.Current.IsOperator(")"))
        {
            if (comma)
                _tokens.ExpectOperator(",");
            comma = true;
            if (_tokens.Current.IsOperator(")"))
                break;
            Token token = _tokens.Current;
            if (token.IsOperator("*"))
            {
                Require(rest is null && restNamed is null);
                _tokens.Take();
                rest = Expression();
            }
            else if (token.IsOperator("**"))
            {
                Require(restNamed is null);
                _tokens.Take();
                restNamed = Expression();
            }
            else if (token.Kind == TokenKind.Name && _tokens.Next.IsOperator("="))
            {
                Require(restNamed is null && !named.Exists(n => n.Item1 == token.Text));
                _tokens.Take();
                _tokens.Take();
                named.Add((token.Text, Expression()));
            }
            else
            {
                Require(rest is null && restNamed is null && named.Count == 0);
                positional.Add(Expression());
            }
        }

        _tokens.Take();
        return new CallArguments([.. positional], [.. named], rest, restNamed);
    }

    private void Require(bool inOrder)
    {
        if (!inOrder)
            throw _tokens.Error("the arguments of a call are out of order or given twice");
    }

    private Expression FiltersAndTests(Expression value)
    {
        while (true)
        {
            if (_tokens.Current.IsOperator("|"))
                value = Filters(value);
            else if (_tokens.Current.IsName("is"))
                value = Test(value);
            else if (_tokens.Current.IsOperator("("))
                value = new Call(_tokens.Current.Line, value, Arguments());
            else
                return value;
        }
    }

    // A chain of filters; inline when the first has no bar before it.
    private FilterCall Filters(Expression? value, bool inline = false)
    {
        while (inline || _tokens.Current.IsOperator("|"))
        {
            if (!inline)
                _tokens.Take();
            inline = false;
            (string name, int line) = DottedName();
            if (!_conditional && !FilterLibrary.Exists(name))
                _unknown.Add(($"no filter named '{name}'", line));
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
            _unknown.Add(($"no test named '{name}'", line));
        Expression test = new TestCall(line, value, name, TestArguments());
        return negated ? new Negation(line, test) : test;
    }

    // In parentheses, or one value right after the test's name: x is divisibleby 3.
    private CallArguments TestArguments()
    {
        Token token = _tokens.Current;
        if (token.IsOperator("("))
            return Arguments();
        bool starts = token.Kind is TokenKind.Text or TokenKind.Number
            || (token.Kind == TokenKind.Operator && token.Text is "[" or "{")
            || (token.Kind == TokenKind.Name && token.Text is not ("else" or "or" or "and"));
        if (!starts)
            return CallArguments.None;
        if (token.IsName("is"))
            throw _tokens.Error("tests cannot be chained with 'is'");
        return new CallArguments([Postfix(Primary())], [], null, null);
    }

    private (string Name, int Line) DottedName()
    {
        Token token = _tokens.Expect(TokenKind.Name, "a name");
        string name = token.Text;
        while (_tokens.SkipOperator("."))
            name += "." + _tokens.Expect(TokenKind.Name, "a name").Text;
        return (name, token.Line);
    }
}
