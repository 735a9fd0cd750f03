using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>Case by Unicode's simple folding: one code point to one. Foldings to several (ß to ss) are not made.</summary>
internal static class CaseFolding
{
    private static readonly Dictionary<int, int> Folded = ReadTable();

    // For every representative the code points that fold to it, itself included.
    private static readonly Dictionary<int, int[]> Cases =
        Folded.GroupBy(pair => pair.Value, pair => pair.Key).ToDictionary(group => group.Key, group => (int[])[group.Key, .. group]);

    /// <summary>The representative of all cases of a code point.</summary>
    public static int Fold(int codePoint) => Folded.GetValueOrDefault(codePoint, codePoint);

    /// <summary>Whether the predicate holds for any case of the code point, its own included.</summary>
    public static bool AnyCase(int codePoint, Func<int, bool> contains)
    {
        if (!Cases.TryGetValue(Fold(codePoint), out int[]? cases))
        {
            return contains(codePoint);
        }

        foreach (int other in cases)
        {
            if (contains(other))
            {
                return true;
            }
        }

        return false;
    }

    private static Dictionary<int, int> ReadTable()
    {
        var folded = new Dictionary<int, int>();
        foreach (string[] line in UnicodeResource.Lines("case-folding.txt"))
        {
            int first = UnicodeResource.Hex(line[0]);
            int step = UnicodeResource.Hex(line[2]);
            for (int point = first; point <= UnicodeResource.Hex(line[1]); point += step)
            {
                folded[point] =
                UnicodeResource.Hex(line[3]) + (point - first);
            }
        }

        return folded;
    }
}
