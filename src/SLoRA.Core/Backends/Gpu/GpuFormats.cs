using System.Collections.Frozen;
using System.Collections.Immutable;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// What the Gpu backend makes of each format of weights: element types lie on the device as stored, codes and scales are laid out anew
/// without loss, and kernels widen both in registers. This is its one table: a new format is a row here, with structs that say how kernels
/// read it.
/// </summary>
internal static class GpuFormats
{
    // Four bits with offsets have a fifth, which is zero: they are rare, and kernels are many.
    private static readonly GpuFormat UnitFiveBits = new PackedGpuFormat<UnitFiveBits<Zero0>, UnitHalfPairs, OwnNumbers>("Q5_1");

    // Three bits have the scales of six.
    private static readonly GpuFormat UnitSixBits = new PackedGpuFormat<UnitSixBits, UnitSharedScales, SharedNumbers>("Q6_K");

    private static readonly GpuFormat Bytes = new PackedGpuFormat<UnitSignedBytes, UnitHalfScales, HalfScaledIntegers>("Q8_0");

    private static readonly FrozenDictionary<WeightFormat, GpuFormat> _rows = new Dictionary<WeightFormat, GpuFormat>
    {
        [WeightFormat.F32] = new StoredGpuFormat<float, StoredF32>("StoredF32"),
        [WeightFormat.F16] = new StoredGpuFormat<ushort, StoredF16>("StoredF16"),
        [WeightFormat.BF16] = new StoredGpuFormat<ushort, StoredBf16>("StoredBf16")
        {
            Tensor = static loader => new BrainWeightKernels(loader),
        },
        [WeightFormat.Q8_0] = Bytes,
        [BlockFormats.Q4_0] = new PackedGpuFormat<UnitFourBits<Zero8>, UnitHalfScales, OwnNumbers>("Q4_0"),
        [BlockFormats.Q4_1] = UnitFiveBits,
        [BlockFormats.Q5_0] = new PackedGpuFormat<UnitFiveBits<Zero16>, UnitHalfScales, OwnNumbers>("Q5_0"),
        [BlockFormats.Q5_1] = UnitFiveBits,
        [BlockFormats.Q3K] = UnitSixBits,
        [BlockFormats.Q4K] = new PackedGpuFormat<UnitFourBits<Zero0>, UnitSharedPairs, SharedNumbers>("Q4_K"),
        [BlockFormats.Q5K] = new PackedGpuFormat<UnitFiveBits<Zero0>, UnitSharedPairs, SharedNumbers>("Q5_K"),
        [BlockFormats.Q6K] = UnitSixBits,
        [BlockFormats.Iq4Nl] = Bytes,
        [BlockFormats.Iq4Xs] = new PackedGpuFormat<UnitSignedBytes, UnitFloatScales, FloatScaledIntegers>("IQ4_XS"),
        [ZeroedFormat.Halves] = new PackedGpuFormat<UnitFourBits<Zero0>, UnitZeroScales<StoredF16>, ZeroedCodes>("Int4F16"),
        [ZeroedFormat.Brains] = new PackedGpuFormat<UnitFourBits<Zero0>, UnitZeroScales<StoredBf16>, ZeroedCodes>("Int4Bf16"),
    }.ToFrozenDictionary();

    /// <summary>All rows, by name: what kernels have a version for.</summary>
    public static ImmutableArray<GpuFormat> All { get; } = [.. _rows.Values.Distinct().OrderBy(row => row.Name, StringComparer.Ordinal)];

    /// <summary>
    /// The format that a weight of another has on the device: blocks without a row here are widened when they are loaded.
    /// </summary>
    public static WeightFormat Takes(WeightFormat stored) =>
        stored is BlockFormat && !_rows.ContainsKey(stored) ? WeightFormat.F32 : stored;

    /// <summary>The row of a format.</summary>
    public static GpuFormat Of(WeightFormat format) =>
        _rows.TryGetValue(format, out GpuFormat? row) ? row : throw UnservedType.Error(format);

    /// <summary>What a weight takes on the device.</summary>
    public static long BytesOf(WeightFormat format, long rows, int columns) =>
        Of(format).Packing is { } packing ? rows * packing.RowBytes(columns) : format.BytesOf(rows * columns);
}
