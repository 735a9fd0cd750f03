namespace SLoRA.Text.Templates;

/// <summary><c>cycler(...)</c>: gives its items in turn, across loops.</summary>
internal sealed class Cycler(object?[] items)
{
    private static readonly Parameters NoParameters = new("cycler", "");
    private int _at;

    public object? Find(string name) => name switch
    {
        "current" => items[_at],
        "next" => new NativeCallable(NoParameters, (_, _) => Next()),
        "reset" => new NativeCallable(NoParameters, (_, _) => Reset()),
        "items" => new TemplateTuple(items),
        "pos" => (long)_at,
        _ => null,
    };

    private object? Next()
    {
        object? current = items[_at];
        _at = (_at + 1) % items.Length;
        return current;
    }

    private object? Reset()
    {
        _at = 0;
        return null;
    }
}
