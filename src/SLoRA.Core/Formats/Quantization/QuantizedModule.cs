using System.Collections.Immutable;

namespace SLoRA.Formats.Quantization;

/// <summary>
/// A module whose weight a checkpoint keeps in several tensors: their shapes and types are checked, their values not yet read.
/// </summary>
/// <param name="Tensors">The tensors that make it, those included that only other runtimes need.</param>
/// <param name="Format">The format that holds its values exactly.</param>
/// <param name="Load">Reads the tensors and checks their values.</param>
internal sealed record QuantizedModule(ImmutableArray<string> Tensors, WeightFormat Format, Func<RowDecoder> Load)
{
    /// <summary>A module whose values need fp32.</summary>
    public QuantizedModule(ImmutableArray<string> tensors, Func<RowDecoder> load)
        : this(tensors, WeightFormat.F32, load)
    {
    }
}
