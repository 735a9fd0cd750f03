namespace SLoRA.Text.Tokenization.Normalizers;

/// <summary>A normalizer of tokenizer.json: rewrites a text. Immutable, used by any number of threads.</summary>
internal abstract class Normalizer
{
    /// <summary>
    /// Appends the normal form of <paramref name="text"/>, which is well-formed UTF-16, to an empty <paramref name="output"/>.
    /// </summary>
    public abstract void Normalize(ReadOnlySpan<char> text, CharBuffer output);

    /// <summary>Whether the text is its own normal form as far as a quick look can tell. The text is then not copied.</summary>
    public virtual bool LeavesAsIs(ReadOnlySpan<char> text) => false;

    /// <summary>
    /// Whether the first character of the text has no counterpart in the normal form, which so starts later in the user's text.
    /// </summary>
    public virtual bool RemovesStart(ReadOnlySpan<char> text) => false;
}
