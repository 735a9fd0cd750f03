using System.Globalization;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// Adapters from a seed, each with its own content: rank 64, 32, 16 and 8 in turn on q, k, v and o. Their elements are those of one table,
/// from a place on that no other adapter begins at.
/// </summary>
/// <param name="shape">The decoder.</param>
/// <param name="weights">Type of its weights.</param>
/// <param name="count">Adapters.</param>
internal sealed class SeededAdapters(Shape shape, TensorType weights, int count) : IAdapterSource
{
    private const string Prefix = "adapter-";

    // Odd, so that the places of 2^18 adapters differ in a table of 2^18 elements.
    private const int Stride = 8191;

    private readonly RandomElements _elements = new(RandomAdapter.TypeFor(weights), seed: 100);

    /// <summary>The name of an adapter.</summary>
    public static string NameOf(int number) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number}");

    /// <inheritdoc/>
    public ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken) => ValueTask.FromResult(
        name.StartsWith(Prefix, StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
        && number < count
            ? AdapterOrigin.FromTensors(Create(number))
            : null);

    /// <summary>The adapter of a number.</summary>
    public AdapterTensors Create(int number) =>
        RandomAdapter.Create(shape, number, _elements, RandomAdapter.TypeFor(weights), (int)((long)number * Stride % RandomElements.Count));
}
