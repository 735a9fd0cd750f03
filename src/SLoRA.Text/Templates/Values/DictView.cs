namespace SLoRA.Text.Templates;

/// <summary>What <c>keys()</c>, <c>values()</c> and <c>items()</c> return: it iterates and has a length, but no positions.</summary>
internal sealed class DictView(TemplateDict dict, DictPart part)
{
    public TemplateDict Dict { get; } = dict;

    public DictPart Part { get; } = part;

    public object? Of(KeyValuePair<object?, object?> entry) => Part switch
    {
        DictPart.Keys => entry.Key,
        DictPart.Values => entry.Value,
        _ => new TemplateTuple(entry.Key, entry.Value),
    };

    public IEnumerable<object?> Items()
    {
        foreach (KeyValuePair<object?, object?> entry in Dict.Entries)
        {
            yield return Of(entry);
        }
    }
}

/// <summary>Which part of the entries a view shows.</summary>
internal enum DictPart
{
    Keys,
    Values,
    Items,
}
