namespace SLoRA.Extensions.AI.Replies;

/// <summary>What a parser has to know besides the format.</summary>
public sealed record ReplyParserOptions
{
    /// <summary>
    /// The declared tools. Formats without a start marker take nothing else for a call; formats with one take any name, and use the schemas
    /// alone.
    /// </summary>
    public IReadOnlyList<ToolDeclaration> Tools { get; init; } = [];

    /// <summary>Whether the prompt ended inside a block of reasoning, as <see cref="ReasoningFormat.IsOpenAtEndOf"/> tells.</summary>
    public bool StartsInReasoning { get; init; }

    /// <summary>
    /// How many characters a call may have, 1024 to 16777216: a call that is longer comes out as text. What a parser holds in memory stays
    /// below a small multiple.
    /// </summary>
    public int MaxCallLength { get; init; } = 1024 * 1024;
}
