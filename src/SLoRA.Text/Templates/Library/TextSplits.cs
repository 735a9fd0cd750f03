namespace SLoRA.Text.Templates;

/// <summary>Text cut into lists: at separators, at runs of spaces, at line ends.</summary>
internal static class TextSplits
{
    public static TemplateList Split(Rendering r, string text, object? separator, long limit)
    {
        if (limit < 0)
            limit = long.MaxValue;
        return List(r, separator is null ? Words(text, limit) : At(text, Separator(r, text, separator), limit));
    }

    public static TemplateList SplitFromEnd(Rendering r, string text, object? separator, long limit)
    {
        if (limit < 0)
            limit = long.MaxValue;
        TemplateList list = List(r, separator is null ? WordsFromEnd(text, limit) : FromEnd(text, Separator(r, text, separator), limit));
        Array.Reverse(list.Items);
        return list;
    }

    public static TemplateList Lines(Rendering r, string text, bool keepEnds) => List(r, EachLine(text, keepEnds));

    public static IEnumerable<string> EachLine(string text, bool keepEnds)
    {
        for (int from = 0; from < text.Length;)
        {
            int end = from;
            while (end < text.Length && !CharacterClasses.IsLineEnd(text[end]))
                end++;
            int next = end < text.Length ? (text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : end + 1) : end;
            yield return text[from..(keepEnds ? next : end)];
            from = next;
        }
    }

    /// <summary>What precedes a separator, the separator, what follows it.</summary>
    public static TemplateTuple Partition(Rendering r, string text, string separator, bool last)
    {
        if (separator.Length == 0)
            throw r.Runtime("empty separator");
        r.Budget.Search(text.Length, separator.Length);
        int at = last ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0)
            return last ? new TemplateTuple("", "", text) : new TemplateTuple(text, "", "");
        return new TemplateTuple(text[..at], separator, text[(at + separator.Length)..]);
    }

    private static string Separator(Rendering r, string text, object? separator)
    {
        string needle = Text.Of(r, separator, "split");
        r.Budget.Search(text.Length, needle.Length);
        return needle.Length > 0 ? needle : throw r.Runtime("empty separator");
    }

    private static TemplateList List(Rendering r, IEnumerable<string> parts)
    {
        var items = new List<object?>();
        foreach (string part in parts)
        {
            r.Budget.Entries(1);
            r.Budget.Characters(part.Length);
            items.Add(part);
        }

        return new TemplateList([.. items]);
    }

    private static IEnumerable<string> At(string text, string separator, long limit)
    {
        int from = 0;
        while (limit-- > 0)
        {
            int at = text.IndexOf(separator, from, StringComparison.Ordinal);
            if (at < 0)
                break;
            yield return text[from..at];
            from = at + separator.Length;
        }

        yield return text[from..];
    }

    private static IEnumerable<string> FromEnd(string text, string separator, long limit)
    {
        int end = text.Length;
        while (limit-- > 0)
        {
            int at = text.AsSpan(0, end).LastIndexOf(separator);
            if (at < 0)
                break;
            yield return text[(at + separator.Length)..end];
            end = at;
        }

        yield return text[..end];
    }

    private static IEnumerable<string> Words(string text, long limit)
    {
        int at = 0;
        while (true)
        {
            while (at < text.Length && CharacterClasses.IsSpace(text[at]))
                at++;
            if (at >= text.Length)
                yield break;
            if (limit-- <= 0)
            {
                yield return text[at..];
                yield break;
            }

            int from = at;
            while (at < text.Length && !CharacterClasses.IsSpace(text[at]))
                at++;
            yield return text[from..at];
        }
    }

    private static IEnumerable<string> WordsFromEnd(string text, long limit)
    {
        int end = text.Length;
        while (true)
        {
            while (end > 0 && CharacterClasses.IsSpace(text[end - 1]))
                end--;
            if (end == 0)
                yield break;
            if (limit-- <= 0)
            {
                yield return text[..end];
                yield break;
            }

            int to = end;
            while (end > 0 && !CharacterClasses.IsSpace(text[end - 1]))
                end--;
            yield return text[end..to];
        }
    }
}
