using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>
/// The filter <c>wordwrap</c>: lines of at most so many characters, broken at spaces, after hyphens within words, and where a word is too
/// long.
/// </summary>
internal static class WordWrap
{
    public static object? Apply(Rendering r, object? value, object?[] a)
    {
        string text = Text.Of(r, value, "wordwrap");
        long width = Text.Whole(r, a[0], "wordwrap");
        string separator = a[2] is null ? "\n" : Text.Of(r, a[2], "wordwrap");
        if (width <= 0)
        {
            throw r.Runtime($"invalid width {width} (must be > 0)");
        }

        r.Budget.PerCharacter(text);
        var result = new StringBuilder();
        bool first = true;
        foreach ((int from, int to) in TextSplits.EachLine(text, false))
        {
            List<string> lines = Wrap(r, text[from..to], width, Truth.Of(a[1]), Truth.Of(a[3]));
            if (lines.Count == 0)
            {
                lines.Add("");
            }

            foreach (string line in lines)
            {
                r.Budget.Characters(line.Length + separator.Length);
                if (!first)
                {
                    result.Append(separator);
                }

                result.Append(line);
                first = false;
            }
        }

        return ContentText.From(r, result.ToString(), value, a[2]);
    }

    private static List<string> Wrap(Rendering r, string text, long width, bool breakLong, bool hyphens)
    {
        var chunks = new Queue<string>(Chunks(text, hyphens));
        var lines = new List<string>();
        string? rest = null;
        while (rest is not null || chunks.Count > 0)
        {
            r.Budget.Step();
            var line = new List<string>();
            long length = 0;
            rest ??= chunks.Dequeue();
            // A line other than the first does not start with spaces.
            if (lines.Count > 0 && CharacterClasses.Trim(rest).Length == 0)
            {
                rest = null;
                if (chunks.Count == 0)
                {
                    break;
                }

                rest = chunks.Dequeue();
            }

            while (rest is not null && length + CodePoints.Count(rest) <= width)
            {
                line.Add(rest);
                length += CodePoints.Count(rest);
                rest = chunks.Count > 0 ? chunks.Dequeue() : null;
            }

            if (rest is not null && CodePoints.Count(rest) > width)
            {
                rest = Long(rest, line, width - length, breakLong, hyphens);
            }

            if (line.Count > 0 && CharacterClasses.Trim(line[^1]).Length == 0)
            {
                line.RemoveAt(line.Count - 1);
            }

            if (line.Count > 0)
            {
                lines.Add(string.Concat(line));
            }

            r.Budget.Step((rest?.Length ?? 0) >> 4);
        }

        return lines;
    }

    // What remains of a word too long for any line after this line has taken its part.
    private static string? Long(string word, List<string> line, long space, bool breakLong, bool hyphens)
    {
        if (breakLong)
        {
            int cut = CodePoints.UnitOf(word, space);
            if (hyphens && word.Length > cut && cut > 0 && word.LastIndexOf('-', cut - 1) is > 0 and int hyphen
                && word[..hyphen].Any(c => c != '-'))
            {
                cut = hyphen + 1;
            }

            line.Add(word[..cut]);
            return cut < word.Length ? word[cut..] : null;
        }

        if (line.Count > 0)
        {
            return word;
        }

        line.Add(word);
        return null;
    }

    private static IEnumerable<string> Chunks(string text, bool hyphens)
    {
        for (int from = 0; from < text.Length;)
        {
            int end = from;
            bool space = IsBlank(text[from]);
            while (end < text.Length && IsBlank(text[end]) == space)
            {
                end++;
                // After a hyphen between letters: well-|known.
                if (!space && hyphens && end >= 3 && end + 1 < text.Length && text[end - 1] == '-' && end - 2 >= from
                    && char.IsLetter(text[end - 2]) && end - 3 >= from && IsWordPart(text[end - 3]) && char.IsLetter(text[end])
                        && IsWordPart(text[end + 1]))
                {
                    break;
                }
            }

            yield return text[from..end];
            from = end;
        }
    }

    private static bool IsBlank(char c) => c is '\t' or '\n' or '\v' or '\f' or '\r' or ' ';

    private static bool IsWordPart(char c) => char.IsLetterOrDigit(c) || c is '_' or '-' or '\'' or '"';
}
