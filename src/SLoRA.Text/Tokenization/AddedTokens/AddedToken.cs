namespace SLoRA.Text.Tokenization.AddedTokens;

/// <summary>An entry of <c>added_tokens</c>: a text that is cut out of the input before anything else sees it.</summary>
internal sealed record AddedToken
{
    public required string Content { get; init; }

    /// <summary>The id the file states; the vocabulary's id, or the next free one, counts.</summary>
    public required int StatedId { get; init; }

    public bool SingleWord { get; init; }

    public bool LeftStrip { get; init; }

    public bool RightStrip { get; init; }

    /// <summary>Whether it is sought in the normalized text, its own content normalized.</summary>
    public bool Normalized { get; init; }

    public bool Special { get; init; }
}
