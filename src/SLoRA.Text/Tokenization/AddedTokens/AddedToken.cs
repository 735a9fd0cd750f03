namespace SLoRA.Text.Tokenization.AddedTokens;

/// <summary>
/// A text that is cut out of the input before anything else sees it: an entry of <c>added_tokens</c> in tokenizer.json, or a token that a
/// file beside it names.
/// </summary>
internal sealed record AddedToken
{
    public required string Content { get; init; }

    /// <summary>The id that is stated, or null; the vocabulary's id, or the next free one, counts.</summary>
    public int? StatedId { get; init; }

    public bool SingleWord { get; init; }

    public bool LeftStrip { get; init; }

    public bool RightStrip { get; init; }

    /// <summary>Whether it is sought in the normalized text, its own content normalized.</summary>
    public bool Normalized { get; init; }

    public bool Special { get; init; }

    /// <summary>Who says so, for warnings: a file, or a role in one.</summary>
    public string Origin { get; init; } = "tokenizer.json";
}
