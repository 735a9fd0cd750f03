namespace SLoRA.Text.Tokenization.Normalizers;

/// <summary>ByteLevel: every byte as its printable stand-in.</summary>
internal sealed class ByteLevelNormalizer : Normalizer
{
    public override void Normalize(ReadOnlySpan<char> text, CharBuffer output) => ByteAlphabet.Append(text, output);
}
