using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Normalizers;

/// <summary>NFC, NFD, NFKC and NFKD.</summary>
internal sealed class UnicodeFormNormalizer(bool compose, bool compatible) : Normalizer
{
    public override void Normalize(ReadOnlySpan<char> text, CharBuffer output)
    {
        if (compose)
        {
            UnicodeNormalization.Instance.Compose(text, compatible, output);
        }
        else
        {
            UnicodeNormalization.Instance.Decompose(text, compatible, output);
        }
    }

    public override bool LeavesAsIs(ReadOnlySpan<char> text) =>
        compose && !compatible ? UnicodeNormalization.IsSurelyComposed(text) : System.Text.Ascii.IsValid(text);
}
