namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>A plain text to find, at least one character long.</summary>
internal sealed class LiteralPattern(string sought) : TextPattern
{
    public string Sought { get; } = sought;

    public override bool TryFind(ReadOnlySpan<char> text, int from, ref long budget, out int start, out int end)
    {
        int at = from > text.Length ? -1 : text[from..].IndexOf(Sought);
        start = from + at;
        end = start + Sought.Length;
        return at >= 0;
    }
}
