using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// What the Cpu backend makes of each format of weights. This is its one table: a new format is an arm here, with a packing that keeps all
/// that the format stores; <see cref="AsFloats"/> serves any format, at four bytes per weight. Look-ups in embedding tables need no row:
/// they widen.
/// </summary>
internal static class CpuFormats
{
    private static readonly CpuFormat AsFloats =
        new(new FloatPacking<F32Panel>(), static (source, matrix, parts) => new FloatPackJob(source, matrix, parts));

    private static readonly CpuFormat AsHalves =
        new(new FloatPacking<F16Panel>(), static (source, matrix, parts) => new HalfPackJob(source, matrix, parts));

    private static readonly CpuFormat AsBrains =
        new(new FloatPacking<Bf16Panel>(), static (source, matrix, parts) => new WordPackJob(source, matrix, parts));

    private static readonly CpuFormat Quantized =
        new(new Int8Packing<Groups64>(), static (source, matrix, parts) => new QuantizedPackJob(source, matrix, parts));

    private static readonly CpuFormat AsQ8 =
        new(new Int8Packing<Groups32>(), static (source, matrix, parts) => new Q8PackJob(source, matrix, parts));

    /// <summary>How a matrix is kept.</summary>
    /// <param name="source">The matrix.</param>
    /// <param name="weights">What the program has chosen. Among quantized weights, those that are stored in eight bits stay as they are:
    /// rounding them again gains nothing.</param>
    public static CpuFormat Of(WeightSource source, CpuWeights weights) => (source.Format, weights) switch
    {
        (PlainFormat { Type: TensorType.F32 }, CpuWeights.AsStored) => AsFloats,
        (PlainFormat { Type: TensorType.F16 }, CpuWeights.AsStored) => HalfPackJob.Holds(source) ? AsHalves : AsFloats,
        (PlainFormat { Type: TensorType.BF16 }, CpuWeights.AsStored) => AsBrains,
        (PlainFormat, CpuWeights.Int8) => Quantized,
        (Q8Format or BlockFormat, CpuWeights.AsStored) => AsFloats,
        (Q8Format, CpuWeights.Int8) => AsQ8,
        (BlockFormat, CpuWeights.Int8) => Quantized,
        (_, CpuWeights.AsStored or CpuWeights.Int8) => throw UnservedType.Error(source.Format),
        _ => throw new ArgumentOutOfRangeException(nameof(weights), weights, "The Cpu backend has no such way to keep weights."),
    };
}

/// <summary>A row of the table.</summary>
/// <param name="Packing">How panels hold the weights, and the product with them.</param>
/// <param name="Pack">Makes the job, in so many parts, that fills the panels of a matrix.</param>
internal sealed record CpuFormat(PanelPacking Packing, Func<WeightSource, CpuMatrix, int, PackJob> Pack);
