using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Normalizers;

/// <summary>The base of normalizers that go through a text character by character and drop or replace some.</summary>
internal abstract class FilterNormalizer : Normalizer
{
    public sealed override void Normalize(ReadOnlySpan<char> text, CharBuffer output)
    {
        for (int at = 0; at < text.Length;)
        {
            int mapped = Map(CharClass.CodePoint(text, at, out int length));
            at += length;
            if (mapped >= 0)
            {
                output.AppendRune(mapped);
            }
        }
    }

    public sealed override bool RemovesStart(ReadOnlySpan<char> text) => !text.IsEmpty && Map(CharClass.CodePoint(text, 0, out _)) < 0;

    /// <summary>What becomes of a code point; -1 for nothing.</summary>
    protected abstract int Map(int codePoint);
}
