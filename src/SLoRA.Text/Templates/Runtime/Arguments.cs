namespace SLoRA.Text.Templates;

/// <summary>Evaluated arguments of one call.</summary>
internal sealed class Arguments(object?[] positional, List<KeyValuePair<string, object?>>? named = null)
{
    public static readonly Arguments None = new([]);

    public object?[] Positional { get; } = positional;

    public List<KeyValuePair<string, object?>> Named { get; } = named ?? [];

    /// <summary>The same arguments without the first positional ones.</summary>
    public Arguments Skip(int count) => new(Positional[count..], Named);
}
