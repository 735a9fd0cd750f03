namespace SLoRA.Text.Tokenization.Normalizers;

/// <summary>Prepend: puts a text before every text that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : Normalizer
{
    public override void Normalize(ReadOnlySpan<char> text, CharBuffer output)
    {
        if (text.IsEmpty)
        {
            return;
        }

        output.Append(prefix);
        output.Append(text);
    }

    public override bool LeavesAsIs(ReadOnlySpan<char> text) => text.IsEmpty;
}
