using SLoRA.Backends;
using SLoRA.Formats;

namespace SLoRA.Models;

/// <summary>Reads bytes of a weight of the base model as it is stored.</summary>
/// <param name="offset">Bytes from the start of the weight.</param>
/// <param name="destination">Filled to its end.</param>
internal delegate void ReadBaseWeight(long offset, Span<byte> destination);

/// <summary>The stored weight of a module of the base model, for comparing copies with it.</summary>
/// <param name="Format">How its elements lie.</param>
/// <param name="Elements">How many it has.</param>
/// <param name="Read">Reads them.</param>
/// <param name="IsInMemory">Whether they are read out of memory, which goes when the model does; otherwise out of a file.</param>
internal readonly record struct BaseWeight(WeightFormat Format, long Elements, ReadBaseWeight Read, bool IsInMemory)
{
    /// <summary>What the backend makes of each of its rows; null where it multiplies with what is stored.</summary>
    public RowRounding? Rounding { get; init; }
}
