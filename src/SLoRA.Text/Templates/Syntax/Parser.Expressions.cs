namespace SLoRA.Text.Templates;

/// <content>
/// Expressions, weakest first: if-else, or, and, not, comparison, + -, ~, * / // %, **, sign, then what follows a value: members, items,
/// calls, filters, tests. Note that ~ binds tighter than + and that ** goes from left to right. </content>
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
        {
            left = new Logical(_tokens.Take().Line, false, left, And());
        }

        return left;
    }

    private Expression And()
    {
        Expression left = Not();
        while (_tokens.Current.IsName("and"))
        {
            left = new Logical(_tokens.Take().Line, true, left, Not());
        }

        return left;
    }

    private Expression Not()
    {
        if (!_tokens.Current.IsName("not"))
        {
            return Compare();
        }

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
        {
            (rest ??= []).Add((op, Binary(0)));
        }

        return rest is null ? first : new Comparison(line, first, [.. rest]);
    }

    private string? ComparisonOperator()
    {
        Token token = _tokens.Current;
        if (token.Kind == TokenKind.Operator && token.Text is "==" or "!=" or "<" or "<=" or ">" or ">=")
        {
            return _tokens.Take().Text;
        }

        if (_tokens.SkipName("in"))
        {
            return "in";
        }

        if (!token.IsName("not") || !_tokens.Next.IsName("in"))
        {
            return null;
        }

        _tokens.Take();
        _tokens.Take();
        return "not in";
    }

    private Expression Binary(int level)
    {
        if (level == BinaryLevels.Length)
        {
            return Unary();
        }

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
        {
            parts.Add(Binary(2));
        }
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
                {
                    text.Append((string)_tokens.Take().Value!);
                }

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
        {
            return new ListLiteral(token.Line, Items("]", () => Expression()));
        }

        if (token.IsOperator("{"))
        {
            return new DictLiteral(token.Line, Items("}", Pair));
        }

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
            {
                _tokens.ExpectOperator(",");
            }

            if (_tokens.Current.IsOperator(close))
            {
                break;
            }

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
            {
                break;
            }

            tuple = true;
        }

        if (!tuple && items.Count == 1)
        {
            return items[0];
        }

        if (items.Count == 0 && !parentheses)
        {
            throw _tokens.Unexpected("an expression");
        }

        return new TupleLiteral(line, [.. items]);
    }

    private bool EndsTuple() => _tokens.Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd || _tokens.Current.IsOperator(")");
}
