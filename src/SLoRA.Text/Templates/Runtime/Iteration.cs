namespace SLoRA.Text.Templates;

/// <summary>The items of a value, where it has any.</summary>
internal static class Iteration
{
    public static bool IsIterable(object? value) =>
        value is string or RichText or TemplateSequence or TemplateDict or DictView or TemplateRange or LazySequence or Undefined
            or LoopState;

    public static IEnumerable<object?> Over(Rendering r, object? value) => value switch
    {
        string s => CodePoints.Each(s),
        ContentText content => CodePoints.Each(content),
        Markup m => CodePoints.Each(m.Plain),
        TemplateSequence sequence => sequence.Items,
        TemplateDict dict => dict.Entries.Select(e => e.Key),
        DictView view => view.Items(),
        TemplateRange range => range.Items(),
        LazySequence lazy => lazy,
        Undefined { Code: Undefined.Missing } => [],
        Undefined undefined => throw r.Use(undefined),
        _ => throw r.Runtime($"'{Types.Name(value)}' object is not iterable"),
    };

    /// <summary>All items at once, charged to the budget.</summary>
    public static object?[] ToArray(Rendering r, object? value)
    {
        if (value is TemplateSequence sequence)
        {
            r.Budget.Step(sequence.Items.Length >> 4);
            return sequence.Items;
        }

        var items = new List<object?>();
        foreach (object? item in Over(r, value))
        {
            r.Budget.Entries(1);
            r.Budget.Step();
            items.Add(item);
        }

        return [.. items];
    }

    /// <summary>A list made of items whose number the caller has not charged.</summary>
    public static TemplateList List(Rendering r, object?[] items)
    {
        r.Budget.Entries(items.Length);
        return new TemplateList(items);
    }

    /// <summary>The number of items, for values that have one.</summary>
    public static long Length(Rendering r, object? value) => value switch
    {
        string s => CodePoints.Count(s),
        RichText rich => CodePoints.Count(rich.Text),
        TemplateSequence sequence => sequence.Items.Length,
        TemplateDict dict => dict.Count,
        DictView view => view.Dict.Count,
        TemplateRange range => range.Length,
        LoopState loop => loop.Length,
        Undefined { Code: Undefined.Missing } => 0,
        Undefined undefined => throw r.Use(undefined),
        _ => throw r.Runtime($"object of type '{Types.Name(value)}' has no len()"),
    };
}
