using System.Text;

namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>Case by simple folding: one code point to one. Foldings to several (ß to ss) are not made.</summary>
internal static class CaseFolding
{
    /// <summary>The representative of all cases of a code point.</summary>
    public static int Fold(int codePoint)
    {
        // Compatibility letters whose other case the platform's invariant mapping leaves out.
        switch (codePoint)
        {
            case 0x017F: return 's';
            case 0x212A: return 'k';
            case 0x212B: return 0xE5;
            case 0x2126: return 0x3C9;
            case 0x1E9E: return 0xDF;
        }

        if (!Rune.IsValid(codePoint)) return codePoint;
        return Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(codePoint))).Value;
    }

    /// <summary>Whether the predicate holds for another case of the code point.</summary>
    public static bool AnyCase(int codePoint, Func<int, bool> contains)
    {
        int folded = Fold(codePoint);
        if (contains(folded) || !Rune.IsValid(folded) || contains(Rune.ToUpperInvariant(new Rune(folded)).Value)) return true;
        return folded switch
        {
            's' => contains(0x017F),
            'k' => contains(0x212A),
            0xE5 => contains(0x212B),
            0x3C9 => contains(0x2126),
            0x3C3 => contains(0x3C2),
            0xDF => contains(0x1E9E),
            _ => false,
        };
    }
}
