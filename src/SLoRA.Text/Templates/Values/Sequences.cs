namespace SLoRA.Text.Templates;

/// <summary>
/// A list or tuple. Immutable: the sandbox lets no template change a value, so rendering can share the inputs between threads.
/// </summary>
internal abstract class TemplateSequence(object?[] items)
{
    /// <summary>The entries. Nobody writes to them after construction.</summary>
    public object?[] Items { get; } = items;
}

/// <summary>A list.</summary>
internal sealed class TemplateList(object?[] items) : TemplateSequence(items);

/// <summary>A tuple.</summary>
internal sealed class TemplateTuple(params object?[] items) : TemplateSequence(items)
{
    /// <summary>Whether this is a pair that <c>groupby</c> made, whose entries also answer to <c>grouper</c> and <c>list</c>.</summary>
    public bool IsGroup { get; init; }
}
