using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// What makes unsigned bytes of a panel: for each group the quads of its inputs times 16 outputs, <c>[quads][16][4]</c>, the four in the
/// order 0, 2, 1, 3 of <see cref="QuantizedRows.Bytes"/>, then the 16 fp32 scales. A type parameter.
/// </summary>
internal unsafe interface IBytePanel
{
    /// <summary>Whether groups have offsets.</summary>
    static abstract bool HasOffsets { get; }

    /// <summary>The byte of the integer 0.</summary>
    static abstract int Zero { get; }

    /// <summary>The largest byte.</summary>
    static abstract int Largest { get; }

    /// <summary>Unpacks one panel.</summary>
    /// <param name="panel">The panel.</param>
    /// <param name="groups">Its groups.</param>
    /// <param name="quads">Where bytes and scales go.</param>
    /// <param name="offsets">Where the offsets go, <c>[groups][16]</c>, if there are some.</param>
    static abstract void Unpack(byte* panel, int groups, byte* quads, float* offsets);
}

/// <summary>Bytes of packed weights: their codes.</summary>
internal readonly unsafe struct PackedBytePanel<TCodes, TScales, T> : IBytePanel
    where TCodes : struct, IPackedCodes
    where TScales : struct, IPackedScales
    where T : struct, IInt8Groups
{
    public static bool HasOffsets => TScales.HasOffsets;

    public static int Zero => TCodes.Zero;

    public static int Largest => (16 << TCodes.HighBits) - 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Unpack(byte* panel, int groups, byte* quads, float* offsets)
    {
        float* shared = stackalloc float[PackedScalesOf<TCodes, TScales, T>.SharedFloats];
        byte* group = panel;
        for (int g = 0; g < groups; g++)
        {
            if (Avx512BW.IsSupported)
            {
                Codes512(group, quads);
            }
            else
            {
                Codes256(group, quads);
            }

            quads += Int8Layout<T>.IntegerBytes;
            PackedScalesOf<TCodes, TScales, T>.Read(panel, groups, g, 0, shared, (float*)quads, offsets);
            quads += Int8Layout.ScaleBytes;
            offsets += TScales.HasOffsets ? CpuMatrix.PanelOutputs : 0;
            group += PackedLayout<TCodes, TScales, T>.GroupBytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Codes512(byte* group, byte* quads)
    {
        Vector512<ushort> high = TCodes.HighBits == 0
            ? default
            : Vector512.Load((ushort*)(group + PackedLayout<TCodes, TScales, T>.HighAt));
        for (int i = 0; i < T.Pairs / PackedLayout<TCodes, TScales, T>.PairsOfNibbles; i++)
        {
            PackedCodes.Split<TCodes>(Vector512.Load(group), high, out Vector512<byte> first, out Vector512<byte> second);
            first.Store(quads);
            second.Store(quads + Vector512<byte>.Count);
            high = TCodes.HighBits == 0 ? high : high >>> (4 * TCodes.HighBits);
            group += PackedLayout<TCodes, TScales, T>.PlaneBytes;
            quads += 2 * Vector512<byte>.Count;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Codes256(byte* group, byte* quads)
    {
        const int Half = PackedLayout<TCodes, TScales, T>.PlaneBytes / 2;
        byte* high = group + PackedLayout<TCodes, TScales, T>.HighAt;
        Vector256<ushort> highA = TCodes.HighBits == 0 ? default : Vector256.Load((ushort*)high);
        Vector256<ushort> highB = TCodes.HighBits == 0 ? default : Vector256.Load((ushort*)high + 16);
        for (int i = 0; i < T.Pairs / PackedLayout<TCodes, TScales, T>.PairsOfNibbles; i++)
        {
            PackedCodes.Split<TCodes>(Vector256.Load(group), highA, out Vector256<byte> a0, out Vector256<byte> a1);
            PackedCodes.Split<TCodes>(Vector256.Load(group + Half), highB, out Vector256<byte> b0, out Vector256<byte> b1);
            a0.Store(quads);
            b0.Store(quads + Half);
            a1.Store(quads + (2 * Half));
            b1.Store(quads + (3 * Half));
            highA = TCodes.HighBits == 0 ? highA : highA >>> (4 * TCodes.HighBits);
            highB = TCodes.HighBits == 0 ? highB : highB >>> (4 * TCodes.HighBits);
            group += PackedLayout<TCodes, TScales, T>.PlaneBytes;
            quads += 4 * Half;
        }
    }
}

/// <summary>Bytes of int8 weights: their integers plus 128.</summary>
internal readonly unsafe struct Int8BytePanel<T> : IBytePanel
    where T : struct, IInt8Groups
{
    private const int PlaneBytes = 2 * Int8Layout.PairBytes;

    public static bool HasOffsets => false;

    public static int Zero => 128;

    public static int Largest => 255;

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Unpack(byte* panel, int groups, byte* quads, float* offsets)
    {
        for (int g = 0; g < groups; g++)
        {
            for (int i = 0; i < Int8Layout<T>.IntegerBytes; i += PlaneBytes)
            {
                if (Avx512BW.IsSupported)
                {
                    // Bytes of the first pair and of the second one in turn.
                    Vector512<byte> order = Vector512.Create(
                        (byte)0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46,
                        15, 47, 16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55, 24, 56, 25, 57, 26, 58, 27, 59, 28, 60, 29,
                        61, 30, 62, 31, 63);
                    (Vector512.Shuffle(Vector512.Load(panel + i), order) ^ Vector512.Create((byte)Zero)).Store(quads + i);
                }
                else
                {
                    Interleave(panel + i, quads + i);
                    Interleave(panel + i + (Int8Layout.PairBytes / 2), quads + i + Int8Layout.PairBytes);
                }
            }

            Vector512.Load(panel + Int8Layout<T>.IntegerBytes).Store(quads + Int8Layout<T>.IntegerBytes);
            panel += Int8Layout<T>.GroupBytes;
            quads += Int8Layout<T>.GroupBytes;
        }
    }

    /// <summary>Eight outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Interleave(byte* pairs, byte* quads)
    {
        Vector128<byte> a = Vector128.Load(pairs), b = Vector128.Load(pairs + Int8Layout.PairBytes), zero = Vector128.Create((byte)Zero);
        (Sse2.UnpackLow(a, b) ^ zero).Store(quads);
        (Sse2.UnpackHigh(a, b) ^ zero).Store(quads + Vector128<byte>.Count);
    }
}
