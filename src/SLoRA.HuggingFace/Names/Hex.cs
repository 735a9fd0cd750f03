namespace SLoRA.HuggingFace.Names;

/// <summary>Hashes as the Hub writes them.</summary>
internal static class Hex
{
    private const int CommitLength = 40;

    /// <summary>Whether a text is a full commit: 40 hexadecimal digits in lower case.</summary>
    public static bool IsCommit(string text) => text.Length == CommitLength && IsLower(text);

    /// <summary>Whether a text consists of nothing but hexadecimal digits in lower case.</summary>
    public static bool IsLower(string text) => !text.AsSpan().ContainsAnyExcept("0123456789abcdef");
}
