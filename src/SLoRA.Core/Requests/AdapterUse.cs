namespace SLoRA;

/// <summary>One adapter of a request.</summary>
/// <param name="Name">The name it is registered under.</param>
/// <param name="Weight">Multiplies the adapter's delta on top of its own scale; any finite number, 0 and negative ones included.</param>
public readonly record struct AdapterUse(string Name, float Weight = 1)
{
    /// <summary>The most characters (UTF-16 code units) of an adapter's name.</summary>
    public const int MaxNameLength = 256;
}
