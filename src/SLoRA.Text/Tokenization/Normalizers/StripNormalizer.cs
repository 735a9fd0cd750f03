namespace SLoRA.Text.Tokenization.Normalizers;

/// <summary>Strip: takes white space from the ends.</summary>
internal sealed class StripNormalizer(bool left, bool right) : Normalizer
{
    public override void Normalize(ReadOnlySpan<char> text, CharBuffer output)
    {
        if (left)
        {
            text = text.TrimStart();
        }

        if (right)
        {
            text = text.TrimEnd();
        }

        output.Append(text);
    }

    public override bool LeavesAsIs(ReadOnlySpan<char> text) =>
        text.IsEmpty || ((!left || !char.IsWhiteSpace(text[0])) && (!right || !char.IsWhiteSpace(text[^1])));

    public override bool RemovesStart(ReadOnlySpan<char> text) => left && text.Length > 0 && char.IsWhiteSpace(text[0]);
}
