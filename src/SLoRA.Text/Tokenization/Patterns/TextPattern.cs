namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>Something that finds matches in well-formed UTF-16 text. It moves by code points and never cuts a surrogate pair.</summary>
internal abstract class TextPattern
{
    /// <summary>Finds the first match that starts at <paramref name="from"/> or later.</summary>
    public abstract bool TryFind(ReadOnlySpan<char> text, int from, ref long budget, out int start, out int end);

    /// <summary>
    /// Steps that may be spent on a text of this length. Expressions that backtrack without end meet it; others never do.
    /// </summary>
    public static long Budget(int length) => 5_000_000 + (200L * length);
}
