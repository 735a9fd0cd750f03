namespace SLoRA.HuggingFace.Names;

/// <summary>
/// What a file's bytes are called in the cache, which is also their hash: SHA-256 for files in large file storage, git's SHA-1 for the
/// others. The Hub sends it as the ETag of a file.
/// </summary>
internal sealed record BlobId
{
    private const int Sha1Length = 40;
    private const int Sha256Length = 64;

    private BlobId(string value) => Value = value;

    /// <summary>40 or 64 hexadecimal digits in lower case.</summary>
    public string Value { get; }

    /// <summary>Whether the hash is SHA-256 of the bytes; otherwise it is SHA-1 of git's header and the bytes.</summary>
    public bool IsSha256 => Value.Length == Sha256Length;

    /// <summary>An id; null when the text is none, such as one that would be a path.</summary>
    public static BlobId? From(string? text) =>
        text is { Length: Sha1Length or Sha256Length } && Hex.IsLower(text) ? new BlobId(text) : null;

    /// <summary>The id in an ETag, weak or not; null when there is none.</summary>
    public static BlobId? FromEntityTag(string? tag)
    {
        if (tag is null)
        {
            return null;
        }

        string quoted = tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag;
        return From(quoted.Length >= 2 && quoted[0] == '"' && quoted[^1] == '"' ? quoted[1..^1] : quoted);
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
