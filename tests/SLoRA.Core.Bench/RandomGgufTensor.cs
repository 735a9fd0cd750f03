using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>A tensor of a GGUF file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its dimensions, the outermost first.</param>
/// <param name="Type">The type of its elements.</param>
internal sealed record RandomGgufTensor(string Name, int[] Shape, WeightFormat Type)
{
    /// <summary>Its bytes.</summary>
    public long Bytes => Shape.Aggregate(1L, static (product, size) => product * size) / Type.BlockElements * Type.BlockBytes;
}
