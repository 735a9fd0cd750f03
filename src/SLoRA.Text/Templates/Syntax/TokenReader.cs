namespace SLoRA.Text.Templates;

/// <summary>The tokens of a template, read one by one with one of look-ahead.</summary>
internal sealed class TokenReader(List<Token> tokens)
{
    private int _at;

    public Token Current => tokens[_at];

    public Token Next => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    /// <summary>Returns the current token and moves on; the end stays current.</summary>
    public Token Take()
    {
        Token token = tokens[_at];
        if (_at < tokens.Count - 1)
        {
            _at++;
        }

        return token;
    }

    public bool SkipName(string name)
    {
        bool found = Current.IsName(name);
        if (found)
        {
            Take();
        }

        return found;
    }

    public bool SkipOperator(string text)
    {
        bool found = Current.IsOperator(text);
        if (found)
        {
            Take();
        }

        return found;
    }

    public Token Expect(TokenKind kind, string what) => Current.Kind == kind ? Take() : throw Unexpected(what);

    public void ExpectName(string name)
    {
        if (!SkipName(name))
        {
            throw Unexpected($"'{name}'");
        }
    }

    public void ExpectOperator(string text)
    {
        if (!SkipOperator(text))
        {
            throw Unexpected($"'{text}'");
        }
    }

    public ChatTemplateException Unexpected(string expected) => Error($"expected {expected}, got '{Current}'");

    public ChatTemplateException Error(string message) => new("template.syntax", message, Current.Line);
}
