using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Text from text: strip, replace, join, pad.</summary>
internal static class TextEdits
{
    public static object Strip(Rendering r, object value, object? characters, bool start, bool end)
    {
        string text = value.ToString()!;
        Func<int, bool> strips = CharacterClasses.IsSpace;
        if (characters is not null)
        {
            var set = new HashSet<int>();
            foreach (string point in CodePoints.Each(Text.Of(r, characters, "strip")))
            {
                set.Add(CodePoints.At(point, 0));
            }

            r.Budget.Entries(set.Count);
            strips = set.Contains;
        }

        int from = 0, to = text.Length;
        while (start && from < to && strips(CodePoints.At(text, from)))
        {
            from += CodePoints.Width(text, from);
        }

        while (end && to > from)
        {
            int last = to >= 2 && CodePoints.Width(text, to - 2) == 2 ? to - 2 : to - 1;
            if (!strips(CodePoints.At(text, last)))
            {
                break;
            }

            to = last;
        }

        return ContentText.Slice(value, from, to);
    }

    /// <summary>
    /// Replaces the first <paramref name="count"/> occurrences; all where it is negative. An empty text occurs around every character.
    /// </summary>
    public static object Replace(Rendering r, object value, string old, object replacement, long count)
    {
        string text = value.ToString()!;
        if (count < 0)
        {
            count = long.MaxValue;
        }

        if (old.Length == 0)
        {
            return Interleave(r, value, replacement, count);
        }

        r.Budget.Search(text.Length, old.Length);
        int inserted = replacement.ToString()!.Length;
        var result = new TextBuilder();
        int from = 0;
        while (count-- > 0)
        {
            int at = text.IndexOf(old, from, StringComparison.Ordinal);
            if (at < 0)
            {
                break;
            }

            r.Budget.Characters(at - from + inserted);
            result.AppendText(value, from, at).AppendText(replacement);
            from = at + old.Length;
        }

        if (from == 0)
        {
            return value;
        }

        r.Budget.Characters(text.Length - from);
        return result.AppendText(value, from, text.Length).ToText();
    }

    public static object Join(Rendering r, object separator, IEnumerable<object?> items, Func<object?, object> toText)
    {
        int between = separator.ToString()!.Length;
        var result = new TextBuilder();
        bool first = true;
        foreach (object? item in items)
        {
            r.Budget.Step();
            object text = toText(item);
            r.Budget.Characters(text.ToString()!.Length + (first ? 0 : between));
            if (!first)
            {
                result.AppendText(separator);
            }

            result.AppendText(text);
            first = false;
        }

        return result.ToText();
    }

    /// <summary>Fills to a width, to the right of the text (&lt;), left (&gt;) or both (^).</summary>
    public static object Pad(Rendering r, object value, object? width, object filler, char alignment)
    {
        string text = value.ToString()!;
        string fill = filler.ToString()!;
        if (CodePoints.Count(fill) != 1)
        {
            throw r.Runtime("the fill character must be exactly one character long");
        }

        long target = Text.Whole(r, width, "pad");
        long missing = target - CodePoints.Count(text);
        if (missing <= 0)
        {
            return value;
        }

        r.Budget.Characters(target);
        long left = alignment switch
        {
            '<' => 0,
            '>' => missing,
            _ => missing / 2 + (missing & target & 1),
        };
        return new TextBuilder()
            .AppendText(ContentText.From(r, Fill(fill, left), filler))
            .AppendText(value)
            .AppendText(ContentText.From(r, Fill(fill, missing - left), filler))
            .ToText();
    }

    public static object ZeroFill(Rendering r, object value, long width)
    {
        string text = value.ToString()!;
        long missing = width - CodePoints.Count(text);
        if (missing <= 0)
        {
            return value;
        }

        r.Budget.Characters(width);
        int sign = text.Length > 0 && text[0] is '+' or '-' ? 1 : 0;
        return new TextBuilder().AppendText(value, 0, sign).Append(new string('0', (int)missing)).AppendText(value, sign, text.Length)
            .ToText();
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

    private static object Interleave(Rendering r, object value, object replacement, long count)
    {
        string text = value.ToString()!;
        int inserted = replacement.ToString()!.Length;
        var result = new TextBuilder();
        int from = 0;
        while (true)
        {
            if (count-- <= 0)
            {
                return result.AppendText(value, from, text.Length).ToText();
            }

            r.Budget.Characters(inserted + 2);
            result.AppendText(replacement);
            if (from >= text.Length)
            {
                return result.ToText();
            }

            int width = CodePoints.Width(text, from);
            result.AppendText(value, from, from + width);
            from += width;
        }
    }
}
