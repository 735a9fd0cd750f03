namespace SLoRA.Text.Templates;

/// <summary>
/// Text of which some or all characters are what the conversation says. To the template it is text like any other; it exists only in
/// renderings that have to tell the two apart (<see cref="Rendering.TracksContent"/>).
/// </summary>
internal sealed class ContentText : RichText
{
    private ContentText(string text, ContentRange[] content)
        : base(text, content)
    {
    }

    /// <summary>Text with the ranges of content it has; a plain string where it has none.</summary>
    public static object Of(string text, ContentRange[]? content) => content is { Length: > 0 } ? new ContentText(text, content) : text;

    /// <summary>Text that is content as a whole.</summary>
    public static object Whole(string text) => text.Length == 0 ? text : new ContentText(text, All(text)!);

    /// <summary>
    /// Text that a function has made of these values without telling which character comes from where: content as a whole if any of them
    /// may hold content.
    /// </summary>
    public static object From(Rendering r, string text, params ReadOnlySpan<object?> sources)
    {
        foreach (object? source in sources)
        {
            if (MayBeIn(r, source))
            {
                return Whole(text);
            }
        }

        return text;
    }

    /// <summary>Whether a value may hold content; containers are not searched.</summary>
    public static bool MayBeIn(Rendering r, object? value) => r.TracksContent && value switch
    {
        RichText text => text.Content is not null,
        TemplateSequence or TemplateDict or DictView or LazySequence or TemplateNamespace or LoopState => true,
        _ => false,
    };

    /// <summary>A part of a text, with what of it is content. A part of markup is markup.</summary>
    public static object Slice(object text, int from, int to)
    {
        if (text is string plain)
        {
            return from == 0 && to == plain.Length ? plain : plain[from..to];
        }

        var rich = (RichText)text;
        if (from == 0 && to == rich.Text.Length)
        {
            return rich;
        }

        string part = rich.Text[from..to];
        ContentRange[]? content = Within(rich.Content, from, to);
        return rich is Markup ? new Markup(part, content) : Of(part, content);
    }

    /// <summary>The ranges of a whole text.</summary>
    public static ContentRange[]? All(string text) => text.Length == 0 ? null : [new ContentRange(0, text.Length)];

    private static ContentRange[]? Within(ContentRange[]? content, int from, int to)
    {
        if (content is null)
        {
            return null;
        }

        var within = new List<ContentRange>();
        foreach (ContentRange range in content)
        {
            int start = Math.Max(range.Start, from), end = Math.Min(range.End, to);
            if (start < end)
            {
                within.Add(new ContentRange(start - from, end - from));
            }
        }

        return within.Count == 0 ? null : [.. within];
    }
}
