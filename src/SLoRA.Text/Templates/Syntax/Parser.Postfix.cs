namespace SLoRA.Text.Templates;

/// <content>What follows a value: members, items, slices, calls.</content>
internal sealed partial class Parser
{
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
            {
                _tokens.ExpectOperator(",");
            }

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
        {
            return start!;
        }

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
            {
                _tokens.ExpectOperator(",");
            }

            comma = true;
            if (_tokens.Current.IsOperator(")"))
            {
                break;
            }

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
        {
            throw _tokens.Error("the arguments of a call are out of order or given twice");
        }
    }
}
