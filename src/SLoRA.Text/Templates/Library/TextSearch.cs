namespace SLoRA.Text.Templates;

/// <summary>Positions and properties of text. Positions count code points; start and end follow the rules of slices.</summary>
internal static class TextSearch
{
    public static object Find(Rendering r, string text, object?[] a, bool last)
    {
        string sub = Text.Of(r, a[0], "find");
        r.Budget.Search(text.Length, sub.Length);
        if (Window(r, text, a) is not { } window)
        {
            return -1L;
        }

        ReadOnlySpan<char> within = text.AsSpan(window.From, window.To - window.From);
        int at = sub.Length == 0 ? (last ? within.Length : 0) : last ? within.LastIndexOf(sub) : within.IndexOf(sub);
        return at < 0 ? -1L : (long)CodePoints.Count(text.AsSpan(0, window.From + at));
    }

    public static object Index(Rendering r, string text, object?[] a, bool last) =>
        Find(r, text, a, last) is >= 0L and long at ? at : throw r.Runtime("substring not found");

    public static object Count(Rendering r, string text, object?[] a)
    {
        string sub = Text.Of(r, a[0], "count");
        r.Budget.Search(text.Length, sub.Length);
        if (Window(r, text, a) is not { } window)
        {
            return 0L;
        }

        ReadOnlySpan<char> within = text.AsSpan(window.From, window.To - window.From);
        return sub.Length == 0 ? CodePoints.Count(within) + 1L : within.Count(sub);
    }

    /// <summary>Whether the text starts (or ends) with a text or one of a tuple of texts.</summary>
    public static object HasAffix(Rendering r, string text, object?[] a, bool start)
    {
        object?[] candidates = a[0] is TemplateTuple tuple ? tuple.Items : [a[0]];
        (int From, int To)? window = Window(r, text, a);
        foreach (object? candidate in candidates)
        {
            r.Budget.Step();
            string affix = Text.Of(r, candidate, start ? "startswith" : "endswith");
            if (window is null)
            {
                continue;
            }

            ReadOnlySpan<char> within = text.AsSpan(window.Value.From, window.Value.To - window.Value.From);
            if (start ? within.StartsWith(affix, StringComparison.Ordinal) : within.EndsWith(affix, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether there are cased characters and all have this case.</summary>
    public static bool IsCase(string text, bool upper)
    {
        bool any = false;
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i))
        {
            int c = CodePoints.At(text, i);
            if (!Casing.IsCased(c))
            {
                continue;
            }

            if (upper ? !Casing.IsUpper(c) : !Casing.IsLower(c))
            {
                return false;
            }

            any = true;
        }

        return any;
    }

    /// <summary>Whether every run of cased characters starts with an upper one and goes on in lower ones.</summary>
    public static bool IsTitle(string text)
    {
        bool any = false, previous = false;
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i))
        {
            int c = CodePoints.At(text, i);
            if (!Casing.IsCased(c))
            {
                previous = false;
                continue;
            }

            if (previous == !Casing.IsLower(c))
            {
                return false;
            }

            previous = true;
            any = true;
        }

        return any;
    }

    // The units between start and end, null where start lies behind them.
    private static (int From, int To)? Window(Rendering r, string text, object?[] a)
    {
        if (a[1] is null && a[2] is null)
        {
            return (0, text.Length);
        }

        long count = CodePoints.Count(text);
        long from = Place(a[1] is null ? 0 : Text.Whole(r, a[1], "find"), count);
        long to = Math.Min(Place(a[2] is null ? count : Text.Whole(r, a[2], "find"), count), count);
        return from > to ? null : (CodePoints.UnitOf(text, from), CodePoints.UnitOf(text, to));
    }

    private static long Place(long index, long count) => index < 0 ? Math.Max(0, index + count) : index;
}
