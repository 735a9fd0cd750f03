namespace SLoRA.Text.Templates;

/// <summary>Text cut into lists: at separators, at runs of spaces, at line ends.</summary>
internal static class TextSplits
{
    public static TemplateList Split(Rendering r, object value, object? separator, long limit)
    {
        string text = value.ToString()!;
        if (limit < 0)
        {
            limit = long.MaxValue;
        }

        return List(r, value, separator is null ? Words(text, limit) : At(text, Separator(r, text, separator), limit));
    }

    public static TemplateList SplitFromEnd(Rendering r, object value, object? separator, long limit)
    {
        string text = value.ToString()!;
        if (limit < 0)
        {
            limit = long.MaxValue;
        }

        TemplateList list =
            List(r, value, separator is null ? WordsFromEnd(text, limit) : FromEnd(text, Separator(r, text, separator), limit));
        Array.Reverse(list.Items);
        return list;
    }

    public static TemplateList Lines(Rendering r, object value, bool keepEnds) => List(r, value, EachLine(value.ToString()!, keepEnds));

    /// <summary>Where each line begins and ends.</summary>
    public static IEnumerable<(int From, int To)> EachLine(string text, bool keepEnds)
    {
        for (int from = 0; from < text.Length;)
        {
            int end = from;
            while (end < text.Length && !CharacterClasses.IsLineEnd(text[end]))
            {
                end++;
            }

            int next = end < text.Length ? (text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : end + 1) : end;
            yield return (from, keepEnds ? next : end);
            from = next;
        }
    }

    /// <summary>What precedes a separator, the separator, what follows it.</summary>
    public static TemplateTuple Partition(Rendering r, object value, object sought, bool last)
    {
        string text = value.ToString()!;
        string separator = sought.ToString()!;
        if (separator.Length == 0)
        {
            throw r.Runtime("empty separator");
        }

        r.Budget.Search(text.Length, separator.Length);
        int at = last ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0)
        {
            return last ? new TemplateTuple("", "", value) : new TemplateTuple(value, "", "");
        }

        return new TemplateTuple(ContentText.Slice(value, 0, at), sought, ContentText.Slice(value, at + separator.Length, text.Length));
    }

    private static string Separator(Rendering r, string text, object? separator)
    {
        string needle = Text.Of(r, separator, "split");
        r.Budget.Search(text.Length, needle.Length);
        return needle.Length > 0 ? needle : throw r.Runtime("empty separator");
    }

    private static TemplateList List(Rendering r, object value, IEnumerable<(int From, int To)> parts)
    {
        var items = new List<object?>();
        foreach ((int from, int to) in parts)
        {
            r.Budget.Entries(1);
            r.Budget.Characters(to - from);
            items.Add(ContentText.Slice(value, from, to));
        }

        return new TemplateList([.. items]);
    }

    private static IEnumerable<(int From, int To)> At(string text, string separator, long limit)
    {
        int from = 0;
        while (limit-- > 0)
        {
            int at = text.IndexOf(separator, from, StringComparison.Ordinal);
            if (at < 0)
            {
                break;
            }

            yield return (from, at);
            from = at + separator.Length;
        }

        yield return (from, text.Length);
    }

    private static IEnumerable<(int From, int To)> FromEnd(string text, string separator, long limit)
    {
        int end = text.Length;
        while (limit-- > 0)
        {
            int at = text.AsSpan(0, end).LastIndexOf(separator);
            if (at < 0)
            {
                break;
            }

            yield return (at + separator.Length, end);
            end = at;
        }

        yield return (0, end);
    }

    private static IEnumerable<(int From, int To)> Words(string text, long limit)
    {
        int at = 0;
        while (true)
        {
            while (at < text.Length && CharacterClasses.IsSpace(text[at]))
            {
                at++;
            }

            if (at >= text.Length)
            {
                yield break;
            }

            if (limit-- <= 0)
            {
                yield return (at, text.Length);
                yield break;
            }

            int from = at;
            while (at < text.Length && !CharacterClasses.IsSpace(text[at]))
            {
                at++;
            }

            yield return (from, at);
        }
    }

    private static IEnumerable<(int From, int To)> WordsFromEnd(string text, long limit)
    {
        int end = text.Length;
        while (true)
        {
            while (end > 0 && CharacterClasses.IsSpace(text[end - 1]))
            {
                end--;
            }

            if (end == 0)
            {
                yield break;
            }

            if (limit-- <= 0)
            {
                yield return (0, end);
                yield break;
            }

            int to = end;
            while (end > 0 && !CharacterClasses.IsSpace(text[end - 1]))
            {
                end--;
            }

            yield return (end, to);
        }
    }
}
