using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Text from text: strip, replace, join, pad.</summary>
internal static class TextEdits
{
    public static string Strip(Rendering r, string text, object? characters, bool start, bool end)
    {
        Func<int, bool> strips = CharacterClasses.IsSpace;
        if (characters is not null)
        {
            var set = new HashSet<int>();
            foreach (string point in CodePoints.Each(Text.Of(r, characters, "strip")))
                set.Add(CodePoints.At(point, 0));
            r.Budget.Entries(set.Count);
            strips = set.Contains;
        }

        int from = 0, to = text.Length;
        while (start && from < to && strips(CodePoints.At(text, from)))
            from += CodePoints.Width(text, from);
        while (end && to > from)
        {
            int last = to >= 2 && CodePoints.Width(text, to - 2) == 2 ? to - 2 : to - 1;
            if (!strips(CodePoints.At(text, last)))
                break;
            to = last;
        }

        return from == 0 && to == text.Length ? text : text[from..to];
    }

    /// <summary>Replaces the first <paramref name="count"/> occurrences; all where it is negative. An empty text occurs around every character.</summary>
    public static string Replace(Rendering r, string text, string old, string replacement, long count)
    {
        if (count < 0)
            count = long.MaxValue;
        if (old.Length == 0)
            return Interleave(r, text, replacement, count);
        r.Budget.Search(text.Length, old.Length);
        var result = new StringBuilder();
        int from = 0;
        while (count-- > 0)
        {
            int at = text.IndexOf(old, from, StringComparison.Ordinal);
            if (at < 0)
                break;
            r.Budget.Characters(at - from + replacement.Length);
            result.Append(text, from, at - from).Append(replacement);
            from = at + old.Length;
        }

        if (from == 0)
            return text;
        r.Budget.Characters(text.Length - from);
        return result.Append(text, from, text.Length - from).ToString();
    }

    public static string Join(Rendering r, string separator, IEnumerable<object?> items, Func<object?, string> toText)
    {
        var result = new StringBuilder();
        bool first = true;
        foreach (object? item in items)
        {
            r.Budget.Step();
            string text = toText(item);
            r.Budget.Characters(text.Length + (first ? 0 : separator.Length));
            if (!first)
                result.Append(separator);
            result.Append(text);
            first = false;
        }

        return result.ToString();
    }

    /// <summary>Fills to a width, to the right of the text (&lt;), left (&gt;) or both (^).</summary>
    public static string Pad(Rendering r, string text, object? width, string fill, char alignment)
    {
        if (CodePoints.Count(fill) != 1)
            throw r.Runtime("the fill character must be exactly one character long");
        long target = Text.Whole(r, width, "pad");
        long missing = target - CodePoints.Count(text);
        if (missing <= 0)
            return text;
        r.Budget.Characters(target);
        long left = alignment switch
        {
            '<' => 0,
            '>' => missing,
            _ => missing / 2 + (missing & target & 1),
        };
        return Fill(fill, left) + text + Fill(fill, missing - left);
    }

    public static string ZeroFill(Rendering r, string text, long width)
    {
        long missing = width - CodePoints.Count(text);
        if (missing <= 0)
            return text;
        r.Budget.Characters(width);
        int sign = text.Length > 0 && text[0] is '+' or '-' ? 1 : 0;
        return text[..sign] + new string('0', (int)missing) + text[sign..];
    }

    public static string ExpandTabs(Rendering r, string text, long size)
    {
        var result = new StringBuilder(text.Length);
        long column = 0;
        foreach (char c in text)
        {
            if (c == '\t')
            {
                long blanks = size > 0 ? size - column % size : 0;
                r.Budget.Characters(blanks);
                result.Append(' ', (int)blanks);
                column += blanks;
                continue;
            }

            result.Append(c);
            column = c is '\n' or '\r' ? 0 : char.IsLowSurrogate(c) ? column : column + 1;
        }

        return result.ToString();
    }

    private static string Fill(string fill, long count) => fill.Length == 1
        ? new string(fill[0], (int)count)
        : new StringBuilder().Insert(0, fill, (int)count).ToString();

    private static string Interleave(Rendering r, string text, string replacement, long count)
    {
        var result = new StringBuilder();
        int from = 0;
        while (true)
        {
            if (count-- <= 0)
                return result.Append(text, from, text.Length - from).ToString();
            r.Budget.Characters(replacement.Length + 2);
            result.Append(replacement);
            if (from >= text.Length)
                return result.ToString();
            int width = CodePoints.Width(text, from);
            result.Append(text, from, width);
            from += width;
        }
    }
}
