using System.Text;

namespace SLoRA.Text.Tokenization.Normalizers;

/// <summary>Lowercase, character by character: İ becomes i and a dot above, a final sigma stays a plain one.</summary>
internal sealed class LowercaseNormalizer : Normalizer
{
    public override void Normalize(ReadOnlySpan<char> text, CharBuffer output) => Append(text, output);

    public static void Append(ReadOnlySpan<char> text, CharBuffer output)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case < 0x80:
                    output.Append((char)(rune.Value is >= 'A' and <= 'Z' ? rune.Value | 0x20 : rune.Value));
                    break;
                case 0x130:
                    output.Append("i\u0307");
                    break;
                // The platform's invariant mapping may leave these out.
                case 0x212A:
                    output.Append('k');
                    break;
                case 0x212B:
                    output.Append('\u00E5');
                    break;
                case 0x2126:
                    output.Append('\u03C9');
                    break;
                default:
                    output.AppendRune(Rune.ToLowerInvariant(rune).Value);
                    break;
            }
        }
    }
}
