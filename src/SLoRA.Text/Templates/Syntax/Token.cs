namespace SLoRA.Text.Templates;

/// <summary>One lexical unit of a template. Names and operators carry their text, literals their value.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, object? Value, int Line)
{
    public bool Is(TokenKind kind, string text) => Kind == kind && Text == text;

    public bool IsName(string name) => Is(TokenKind.Name, name);

    public bool IsOperator(string text) => Is(TokenKind.Operator, text);

    /// <summary>How messages name it.</summary>
    public override string ToString() => Kind switch
    {
        TokenKind.End => "end of template",
        TokenKind.VariableEnd => "end of print statement",
        TokenKind.BlockEnd => "end of statement block",
        TokenKind.Data => "template text",
        _ => Text,
    };
}

/// <summary>The kinds of tokens.</summary>
internal enum TokenKind
{
    End,
    Data,
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name,
    Text,
    Number,
    Operator,
}
