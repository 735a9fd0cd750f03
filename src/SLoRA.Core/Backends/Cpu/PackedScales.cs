using System.Runtime.CompilerServices;
using SLoRA.Formats.Blocks;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// How a panel of packed weights keeps what its groups share: 16 scales, and 16 offsets where a weight is scale · code + offset. A type
/// parameter of the layout and its kernels. Some of it may be shared by several groups in turn, in blocks behind all groups of a panel.
/// </summary>
internal unsafe interface IPackedScales
{
    /// <summary>Bytes in each group.</summary>
    static abstract int GroupBytes { get; }

    /// <summary>Groups that share a block; 0 where nothing is shared.</summary>
    static abstract int BlockGroups { get; }

    /// <summary>Bytes of such a block.</summary>
    static abstract int BlockBytes { get; }

    /// <summary>Whether weights have offsets.</summary>
    static abstract bool HasOffsets { get; }

    /// <summary>Reads what a block of groups shares as fp32.</summary>
    /// <param name="block">The block.</param>
    /// <param name="shared">32 numbers; left alone where nothing is shared.</param>
    static abstract void ReadShared(byte* block, float* shared);

    /// <summary>Reads the scales of 16 outputs as fp32, and their offsets if there are some.</summary>
    /// <param name="group">What the group has.</param>
    /// <param name="shared">What it shares with others.</param>
    /// <param name="scales">16 numbers.</param>
    /// <param name="offsets">16 numbers; left alone where there are none.</param>
    static abstract void Read(byte* group, float* shared, float* scales, float* offsets);
}

/// <summary>Scales as files store them.</summary>
internal unsafe interface IStoredScales : IPackedScales
{
    /// <summary>Writes those of a group.</summary>
    /// <param name="group">What the group has.</param>
    /// <param name="block">What it shares with others.</param>
    /// <param name="scales">Both words of a <see cref="GroupScale"/>, each for 16 outputs.</param>
    static abstract void Write(byte* group, byte* block, uint* scales);
}

/// <summary>A scale in half precision.</summary>
internal readonly unsafe struct HalfScales : IStoredScales
{
    public static int GroupBytes => 2 * CpuMatrix.PanelOutputs;

    public static int BlockGroups => 0;

    public static int BlockBytes => 0;

    public static bool HasOffsets => false;

    public static void ReadShared(byte* block, float* shared)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(byte* group, float* shared, float* scales, float* offsets) => PackedNumbers.Widen<F16Elements>(group, scales);

    public static void Write(byte* group, byte* block, uint* scales) => PackedWords.Low(scales, (ushort*)group);
}

/// <summary>A scale in bfloat16: the library's own weights.</summary>
internal readonly unsafe struct BrainScales : IPackedScales
{
    public static int GroupBytes => 2 * CpuMatrix.PanelOutputs;

    public static int BlockGroups => 0;

    public static int BlockBytes => 0;

    public static bool HasOffsets => false;

    public static void ReadShared(byte* block, float* shared)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(byte* group, float* shared, float* scales, float* offsets) => PackedNumbers.Widen<Bf16Elements>(group, scales);
}

/// <summary>A scale and what is added, in half precision.</summary>
internal readonly unsafe struct HalfPairs : IStoredScales
{
    private const ushort Sign = 0x8000;

    public static int GroupBytes => 4 * CpuMatrix.PanelOutputs;

    public static int BlockGroups => 0;

    public static int BlockBytes => 0;

    public static bool HasOffsets => true;

    public static void ReadShared(byte* block, float* shared)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(byte* group, float* shared, float* scales, float* offsets)
    {
        PackedNumbers.Widen<F16Elements>(group, scales);
        PackedNumbers.Widen<F16Elements>(group + (2 * CpuMatrix.PanelOutputs), offsets);
    }

    public static void Write(byte* group, byte* block, uint* scales)
    {
        PackedWords.Low(scales, (ushort*)group);
        PackedWords.High(scales, (ushort*)group + CpuMatrix.PanelOutputs, Sign);
    }
}

/// <summary>
/// A factor of scale and one of minimum, unsigned bytes; scale and minimum in half precision are shared by 256 inputs.
/// </summary>
/// <typeparam name="T">The groups.</typeparam>
internal readonly unsafe struct SharedPairs<T> : IStoredScales
    where T : struct, IInt8Groups
{
    public static int GroupBytes => 2 * CpuMatrix.PanelOutputs;

    public static int BlockGroups => 128 / T.Pairs;

    public static int BlockBytes => 4 * CpuMatrix.PanelOutputs;

    public static bool HasOffsets => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadShared(byte* block, float* shared)
    {
        PackedNumbers.Widen<F16Elements>(block, shared);
        PackedNumbers.Widen<F16Elements>(block + (2 * CpuMatrix.PanelOutputs), shared + CpuMatrix.PanelOutputs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(byte* group, float* shared, float* scales, float* offsets)
    {
        PackedNumbers.Times<UnsignedFactors>(shared, group, 1, scales);
        PackedNumbers.Times<UnsignedFactors>(shared + CpuMatrix.PanelOutputs, group + CpuMatrix.PanelOutputs, 1, offsets);
    }

    public static void Write(byte* group, byte* block, uint* scales)
    {
        HalfPairs.Write(block, block, scales);
        PackedWords.LowBytes(scales + CpuMatrix.PanelOutputs, 0, group);
        PackedWords.LowBytes(scales + CpuMatrix.PanelOutputs, 16, group + CpuMatrix.PanelOutputs);
    }
}

/// <summary>A factor of the scale, a signed byte; a scale in half precision is shared by 256 inputs.</summary>
/// <typeparam name="T">The groups.</typeparam>
internal readonly unsafe struct SharedScales<T> : IStoredScales
    where T : struct, IInt8Groups
{
    public static int GroupBytes => CpuMatrix.PanelOutputs;

    public static int BlockGroups => 128 / T.Pairs;

    public static int BlockBytes => 2 * CpuMatrix.PanelOutputs;

    public static bool HasOffsets => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadShared(byte* block, float* shared) => PackedNumbers.Widen<F16Elements>(block, shared);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(byte* group, float* shared, float* scales, float* offsets) =>
        PackedNumbers.Times<SignedFactors>(shared, group, 1, scales);

    public static void Write(byte* group, byte* block, uint* scales)
    {
        HalfScales.Write(block, block, scales);
        PackedWords.LowBytes(scales + CpuMatrix.PanelOutputs, 0, group);
    }
}

/// <summary>How a scale of 16 bits and the code of zero are kept. A type parameter.</summary>
internal interface IZeroCodes
{
    /// <summary>Whether scales are in half precision; else in bfloat16.</summary>
    static abstract bool HasHalves { get; }
}

/// <summary>Half precision.</summary>
internal readonly struct HalfZeros : IZeroCodes
{
    public static bool HasHalves => true;
}

/// <summary>bfloat16.</summary>
internal readonly struct BrainZeros : IZeroCodes
{
    public static bool HasHalves => false;
}

/// <summary>
/// A scale of 16 bits and the code that stands for zero, a byte. What is added is −scale · zero, which is exact in fp32.
/// </summary>
/// <typeparam name="T">How both are kept.</typeparam>
internal readonly unsafe struct ZeroScales<T> : IPackedScales
    where T : struct, IZeroCodes
{
    /// <summary>Where the zeros begin.</summary>
    public const int ZerosAt = 2 * CpuMatrix.PanelOutputs;

    public static int GroupBytes => 3 * CpuMatrix.PanelOutputs;

    public static int BlockGroups => 0;

    public static int BlockBytes => 0;

    public static bool HasOffsets => true;

    public static void ReadShared(byte* block, float* shared)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(byte* group, float* shared, float* scales, float* offsets)
    {
        if (T.HasHalves)
        {
            PackedNumbers.Widen<F16Elements>(group, scales);
        }
        else
        {
            PackedNumbers.Widen<Bf16Elements>(group, scales);
        }

        PackedNumbers.Times<UnsignedFactors>(scales, group + ZerosAt, -1, offsets);
    }

    /// <summary>Writes those of a group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="scales">For each of 16 outputs the bits of its scale and, in the upper half, the code of zero.</param>
    public static void Write(byte* group, uint* scales)
    {
        PackedWords.Low(scales, (ushort*)group);
        PackedWords.LowBytes(scales, 16, group + ZerosAt);
    }
}
