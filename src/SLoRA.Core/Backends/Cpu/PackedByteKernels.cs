using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The product of one row with packed weights where <see cref="ByteDot"/> is supported: codes are bytes as a mask leaves them, and an
/// activation of 16 bits is two bytes, <c>256 · upper + lower</c>, whose sums are exact; one of 8 bits is one. The bits are those of
/// <see cref="PackedKernels"/>.
/// </summary>
internal static unsafe class PackedByteKernels
{
    /// <summary>By how many bits the sums of upper bytes count more.</summary>
    private const int UpperShift = 8;

    /// <summary>Whether there are instructions for it.</summary>
    public static bool Takes<TCodes, T>(bool isNarrow)
        where TCodes : struct, IPackedCodes
        where T : struct, IInt8Groups
        => isNarrow ? ByteDot.Adds<T>((16 << TCodes.HighBits) - 1) : ByteDot.IsSupported;

    /// <summary>Multiplies the only row of a block by all of its panels, leaf by leaf.</summary>
    public static void Multiply<TCodes, TScales, T>(in PanelBlock block)
        where TCodes : struct, IPackedCodes
        where TScales : struct, IPackedScales
        where T : struct, IInt8Groups
    {
        if (block.Quantized.IsNarrow)
        {
            Row<TCodes, TScales, T, OneByte>(block);
        }
        else
        {
            Row<TCodes, TScales, T, TwoBytes>(block);
        }
    }

    private static void Row<TCodes, TScales, T, TBytes>(in PanelBlock block)
        where TCodes : struct, IPackedCodes
        where TScales : struct, IPackedScales
        where T : struct, IInt8Groups
        where TBytes : struct, IActivationBytes
    {
        QuantizedSpan x = block.Quantized;
        for (int panel = block.FirstPanel; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                int input = block.FirstInput(leaf), first = input / Int8Layout<T>.GroupInputs;
                Groups<TCodes, TScales, T, TBytes>(
                    block.Matrix.Panel(panel), block.Matrix.Groups, first, first + block.Groups(leaf),
                    x.Bytes(0) + (input / 4 * TBytes.Count), x.Scales(0), x.Sums(0), x.Offsets(0), block.ResultOf(leaf));
            }

            block.AddLeaves(1);
            block.Store(0, 1, panel, 1);
        }
    }

    /// <summary>The sums over some groups of a panel: a method of its own, so that all it needs stays in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Groups<TCodes, TScales, T, TBytes>(
        byte* panel, int groups, int first, int end, int* x, float* scalesOfX, int* sumsOfX, float* offsetsOfX, float* result)
        where TCodes : struct, IPackedCodes
        where TScales : struct, IPackedScales
        where T : struct, IInt8Groups
        where TBytes : struct, IActivationBytes
    {
        float* scales = stackalloc float[2 * Lanes.Count];
        float* offsets = scales + Lanes.Count;
        byte* group = panel + ((nint)first * PackedLayout<TCodes, TScales, T>.GroupBytes);
        Vector256<float> sumA = default, sumB = default, addedA = default, addedB = default;
        for (nint g = first; g < end; g++)
        {
            int start = -TCodes.Zero * sumsOfX[g];
            Vector256<int> lowerA = ByteDot.Begin(start), lowerB = lowerA, upperA = default, upperB = default;
            Vector256<ushort> highA = default, highB = default;
            if (TCodes.HighBits > 0)
            {
                byte* high = group + PackedLayout<TCodes, TScales, T>.HighAt;
                (highA, highB) = (Vector256.Load((ushort*)high), Vector256.Load((ushort*)high + 16));
            }

            for (nint i = 0; i < T.Pairs / PackedLayout<TCodes, TScales, T>.PairsOfNibbles; i++)
            {
                byte* plane = group + (i * PackedLayout<TCodes, TScales, T>.PlaneBytes);
                PackedCodes.Split<TCodes>(Vector256.Load(plane), highA, out Vector256<byte> firstA, out Vector256<byte> secondA);
                PackedCodes.Split<TCodes>(
                    Vector256.Load(plane + Vector256<byte>.Count), highB, out Vector256<byte> firstB, out Vector256<byte> secondB);
                if (TCodes.HighBits > 0)
                {
                    highA >>>= 4 * TCodes.HighBits;
                    highB >>>= 4 * TCodes.HighBits;
                }

                Vector256<byte> x0 = Vector256.Create(x[0]).AsByte(), x1 = Vector256.Create(x[1]).AsByte();
                if (TBytes.Count == 1)
                {
                    lowerA = ByteDot.Add(ByteDot.Add(lowerA, firstA, x0), secondA, x1);
                    lowerB = ByteDot.Add(ByteDot.Add(lowerB, firstB, x0), secondB, x1);
                }
                else
                {
                    // Lower bytes have no sign, and codes are small enough to have one.
                    Vector256<byte> x2 = Vector256.Create(x[2]).AsByte(), x3 = Vector256.Create(x[3]).AsByte();
                    lowerA = ByteDot.Add(ByteDot.Add(lowerA, x0, firstA), x2, secondA);
                    lowerB = ByteDot.Add(ByteDot.Add(lowerB, x0, firstB), x2, secondB);
                    upperA = ByteDot.Add(ByteDot.Add(upperA, firstA, x1), secondA, x3);
                    upperB = ByteDot.Add(ByteDot.Add(upperB, firstB, x1), secondB, x3);
                }

                x += 2 * TBytes.Count;
            }

            TScales.Read(
                group + PackedLayout<TCodes, TScales, T>.ScalesAt, PackedLayout<TCodes, TScales, T>.Block(panel, groups, (int)g), scales,
                offsets);
            Vector256<float> scale = Vector256.Create(scalesOfX[g]);
            lowerA = TBytes.Count == 1 ? ByteDot.End(lowerA, start) : lowerA + (upperA << UpperShift);
            lowerB = TBytes.Count == 1 ? ByteDot.End(lowerB, start) : lowerB + (upperB << UpperShift);
            Vector256<float> productA = Vector256.ConvertToSingle(lowerA), productB = Vector256.ConvertToSingle(lowerB);
            sumA = MultiplyAdd.Of(productA, Vector256.Load(scales) * scale, sumA);
            sumB = MultiplyAdd.Of(productB, Vector256.Load(scales + 8) * scale, sumB);
            if (TScales.HasOffsets)
            {
                Vector256<float> offset = Vector256.Create(offsetsOfX[g]);
                addedA = MultiplyAdd.Of(Vector256.Load(offsets), offset, addedA);
                addedB = MultiplyAdd.Of(Vector256.Load(offsets + 8), offset, addedB);
            }

            group += PackedLayout<TCodes, TScales, T>.GroupBytes;
        }

        (TScales.HasOffsets ? sumA + addedA : sumA).Store(result);
        (TScales.HasOffsets ? sumB + addedB : sumB).Store(result + 8);
    }

    /// <summary>Bytes of an activation. A type parameter.</summary>
    private interface IActivationBytes
    {
        static abstract int Count { get; }
    }

    private readonly struct OneByte : IActivationBytes
    {
        public static int Count => 1;
    }

    private readonly struct TwoBytes : IActivationBytes
    {
        public static int Count => 2;
    }
}
