using SLoRA.Formats;
using SLoRA.Formats.Blocks;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// What the Cpu backend makes of each format of weights. This is its one table: a new format is an arm here, with a packing that keeps all
/// that the format stores; <see cref="AsFloats"/> serves any format, at four bytes per weight. Look-ups in embedding tables need no row:
/// they widen.
/// </summary>
internal static class CpuFormats
{
    private const string Stored = "as stored";
    private const int NarrowInputs = 1024;

    private static readonly CpuFormat AsFloats =
        new(new FloatPacking<F32Panel>(), "as fp32", static (source, matrix, parts) => new FloatPackJob(source, matrix, parts));

    private static readonly CpuFormat AsHalves =
        new(new FloatPacking<F16Panel>(), Stored, static (source, matrix, parts) => new HalfPackJob(source, matrix, parts));

    private static readonly CpuFormat AsBrains =
        new(new FloatPacking<Bf16Panel>(), Stored, static (source, matrix, parts) => new WordPackJob(source, matrix, parts));

    private static readonly CpuFormat EightBits = new(
        new Int8Packing<Groups64>(), "in 8 bits", static (source, matrix, parts) => new QuantizedPackJob<Groups64>(source, matrix, parts))
    {
        Rounding = QuantizedPackJob<Groups64>.Round,
    };

    private static readonly CpuFormat AsIntegers =
        new(new Int8Packing<Groups32>(), Stored, static (source, matrix, parts) => new IntegerPackJob(source, matrix, parts));

    private static readonly CpuFormat OwnFourBits = Own<FourBitsAround8>("in 4 bits");

    private static readonly CpuFormat OwnFiveBits = Own<FiveBitsAround16>("in 5 bits");

    private static readonly Dictionary<WeightFormat, CpuFormat> Packed = new()
    {
        [BlockFormats.Q4_0] = Codes<FourBitsAround8, HalfScales, Groups32>(),
        [BlockFormats.Q4_1] = Codes<FourBits, HalfPairs, Groups32>(),
        [BlockFormats.Q5_0] = Codes<FiveBitsAround16, HalfScales, Groups32>(),
        [BlockFormats.Q5_1] = Codes<FiveBits, HalfPairs, Groups32>(),
        [BlockFormats.Q2K] = Codes<FourBits, SharedPairs<Groups16>, Groups16>(),
        [BlockFormats.Q3K] = Codes<FourBitsAround4, SharedScales<Groups16>, Groups16>(),
        [BlockFormats.Q4K] = Codes<FourBits, SharedPairs<Groups32>, Groups32>(),
        [BlockFormats.Q5K] = Codes<FiveBits, SharedPairs<Groups32>, Groups32>(),
        [BlockFormats.Q6K] = Codes<SixBitsAround32, SharedScales<Groups16>, Groups16>(),
        [ZeroedFormat.Halves] = Zeroed<HalfZeros>(),
        [ZeroedFormat.Brains] = Zeroed<BrainZeros>(),
        [WeightFormat.Q8_0] = AsIntegers,
        [BlockFormats.Iq4Nl] = AsIntegers,
        [BlockFormats.Iq4Xs] = AsIntegers,
    };

    /// <summary>How a matrix is kept.</summary>
    /// <param name="source">The matrix.</param>
    /// <param name="weights">What the program has chosen. Weights that are stored in no more bits stay as they are: rounding them again
    /// gains nothing.</param>
    /// <param name="precision">Whether weights of few bits may be computed with integers.</param>
    /// <param name="fits">Whether a format that cannot hold all weights is taken; null to look at the weights.</param>
    public static CpuFormat Of(
        WeightSource source, CpuWeights weights, CpuPrecision precision = CpuPrecision.Automatic, Func<CpuFormat, bool>? fits = null) =>
        (source.Format, weights) switch
        {
            (PlainFormat { Type: TensorType.F32 }, CpuWeights.AsStored) => AsFloats with { Kept = Stored },
            (PlainFormat { Type: TensorType.F16 }, CpuWeights.AsStored) =>
                (fits?.Invoke(AsHalves) ?? HalfPackJob.Holds(source)) ? AsHalves : AsFloats,
            (PlainFormat { Type: TensorType.BF16 }, CpuWeights.AsStored) => AsBrains,
            (PlainFormat, CpuWeights.Int8) => EightBits,
            (PlainFormat, CpuWeights.Int4) when KeepsEightBits(source) => EightBits,
            (PlainFormat, CpuWeights.Int4) => OwnBits(source),
            (Q8Format, CpuWeights.Int4) when !KeepsEightBits(source) => OwnBits(source),
            (Q8Format or BlockFormat, CpuWeights.AsStored) when precision == CpuPrecision.Exact => AsFloats,
            (Q8Format or BlockFormat, CpuWeights.AsStored or CpuWeights.Int8 or CpuWeights.Int4)
                when Packed.TryGetValue(source.Format, out CpuFormat? format) => format,
            (BlockFormat, CpuWeights.AsStored) => AsFloats,
            (BlockFormat, CpuWeights.Int8 or CpuWeights.Int4) => EightBits,
            (_, CpuWeights.AsStored or CpuWeights.Int8 or CpuWeights.Int4) => throw UnservedType.Error(source.Format),
            _ => throw new ArgumentOutOfRangeException(nameof(weights), weights, "The Cpu backend has no such way to keep weights."),
        };

    /// <summary>What becomes of a row of a matrix of this format; null where what is stored is kept.</summary>
    public static RowRounding? RoundingOf(
        WeightFormat format, CpuWeights weights, bool givesLogits, Partition? partition, CpuPrecision precision)
    {
        return weights == CpuWeights.AsStored || OfRow(0) is null ? null : row => OfRow(row.Length)!(row);

        RowRounding? OfRow(int columns) => Of(
            new WeightSource("", format, 0, 0, columns) { GivesLogits = givesLogits, Partition = partition }, weights, precision).Rounding;
    }

    /// <summary>
    /// Logits show every rounding, and a head of keys or values that several query heads read shows its own several times.
    /// </summary>
    private static bool KeepsEightBits(WeightSource source) =>
        source.GivesLogits || source.Partition is { Axis: PartitionAxis.Rows, Splits: [{ Shared: > 1 }] };

    /// <summary>
    /// Five bits for what is added to the residual stream, which all later layers read, and for rows so short that models of this width
    /// have nothing to spare; else four.
    /// </summary>
    private static CpuFormat OwnBits(WeightSource source) =>
        source.Partition is { Axis: PartitionAxis.Columns } || source.Columns < NarrowInputs ? OwnFiveBits : OwnFourBits;

    private static CpuFormat Own<TCodes>(string kept)
        where TCodes : struct, IPackedCodes
        => new(
            new PackedPacking<TCodes, BrainScales, Groups32>(), kept,
            static (source, matrix, parts) => new OwnPackJob<TCodes>(source, matrix, parts))
        {
            Rounding = OwnPackJob<TCodes>.Round,
        };

    private static CpuFormat Codes<TCodes, TScales, T>()
        where TCodes : struct, IPackedCodes
        where TScales : struct, IStoredScales
        where T : struct, IInt8Groups
        => new(
            new PackedPacking<TCodes, TScales, T>(), Stored,
            static (source, matrix, parts) => new PackedPackJob<TCodes, TScales, T>(source, matrix, parts));

    private static CpuFormat Zeroed<T>()
        where T : struct, IZeroCodes
        => new(
            new PackedPacking<FourBits, ZeroScales<T>, Groups32>(), Stored,
            static (source, matrix, parts) => new ZeroedPackJob<T>(source, matrix, parts));
}

/// <summary>A row of the table.</summary>
/// <param name="Packing">How panels hold the weights, and the product with them.</param>
/// <param name="Kept">What that makes of what is stored, for people.</param>
/// <param name="Pack">Makes the job, in so many parts, that fills the panels of a matrix.</param>
internal sealed record CpuFormat(PanelPacking Packing, string Kept, Func<WeightSource, CpuMatrix, int, PackJob> Pack)
{
    /// <summary>What it makes of a row that is stored in more bits; null where it keeps what is stored.</summary>
    public RowRounding? Rounding { get; init; }
}
