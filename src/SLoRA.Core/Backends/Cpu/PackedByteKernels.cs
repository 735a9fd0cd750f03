using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The inner loops of the product of one row with packed weights in 256 bits: codes are bytes as a mask leaves them, and an activation is
/// one byte, as <see cref="ByteDot"/> takes it in the one way or the other, or two bytes, where it is supported.
/// </summary>
internal static unsafe class PackedByteKernels
{
    /// <summary>By how many bits the sums of upper bytes count more.</summary>
    private const int UpperShift = 8;

    private const int PlaneBytes = 4 * CpuMatrix.PanelOutputs;

    /// <summary>Activations of 8 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void OneByte<TCodes, T>(in PackedRowArguments of)
        where TCodes : struct, IPackedCodes
        where T : struct, IInt8Groups
    {
        int* x = of.X;
        RowGroup* rowGroup = of.RowGroups;
        byte* group = of.Weights;
        nint groupBytes = of.GroupBytes, fetch = of.Fetch;
        float* scales = of.Scales;
        float* end = scales + (of.Groups * Lanes.Count);
        bool addsGroups = ByteDot.AddsGroups<T>((16 << TCodes.HighBits) - 1);
        Vector256<float> sumA = Vector256.Load(of.Result), sumB = Vector256.Load(of.Result + 8);
        for (; scales < end; scales += Lanes.Count)
        {
            Vector256<int> a = addsGroups ? ByteDot.Begin(rowGroup) : Vector256.Create(rowGroup->Start), b = a;
            High<TCodes, T>(group, fetch, out Vector256<ushort> highA, out Vector256<ushort> highB);
            for (nint i = 0; i < Planes<T>(); i++)
            {
                byte* plane = group + (i * PlaneBytes);
                Fetch(plane + fetch);
                PackedCodes.Split<TCodes>(Vector256.Load(plane), highA, out Vector256<byte> firstA, out Vector256<byte> secondA);
                PackedCodes.Split<TCodes>(Vector256.Load(plane + 32), highB, out Vector256<byte> firstB, out Vector256<byte> secondB);
                highA = TCodes.HighBits == 0 ? highA : highA >>> (4 * TCodes.HighBits);
                highB = TCodes.HighBits == 0 ? highB : highB >>> (4 * TCodes.HighBits);
                Vector256<byte> x0 = Vector256.Create(x[0]).AsByte(), x1 = Vector256.Create(x[1]).AsByte();
                a = addsGroups
                    ? ByteDot.Add(ByteDot.Add(a, firstA, x0), secondA, x1)
                    : ByteDot.AddTwo(a, firstA, x0, secondA, x1);
                b = addsGroups
                    ? ByteDot.Add(ByteDot.Add(b, firstB, x0), secondB, x1)
                    : ByteDot.AddTwo(b, firstB, x0, secondB, x1);
                x += 2;
            }

            Fetch(group + groupBytes - 1 + fetch);
            Vector256<float> scale = Vector256.Create(rowGroup->Scale);
            Vector256<float> productA = Vector256.ConvertToSingle(addsGroups ? ByteDot.End(a, rowGroup) : a);
            Vector256<float> productB = Vector256.ConvertToSingle(addsGroups ? ByteDot.End(b, rowGroup) : b);
            sumA = MultiplyAdd.Of(productA, Vector256.Load(scales) * scale, sumA);
            sumB = MultiplyAdd.Of(productB, Vector256.Load(scales + 8) * scale, sumB);
            rowGroup++;
            group += groupBytes;
        }

        sumA.Store(of.Result);
        sumB.Store(of.Result + 8);
    }

    /// <summary>Activations of 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void TwoBytes<TCodes, T>(in PackedRowArguments of)
        where TCodes : struct, IPackedCodes
        where T : struct, IInt8Groups
    {
        int* x = of.X;
        RowGroup* rowGroup = of.RowGroups;
        byte* group = of.Weights;
        nint groupBytes = of.GroupBytes, fetch = of.Fetch;
        float* scales = of.Scales;
        float* end = scales + (of.Groups * Lanes.Count);
        Vector256<float> sumA = Vector256.Load(of.Result), sumB = Vector256.Load(of.Result + 8);
        for (; scales < end; scales += Lanes.Count)
        {
            Vector256<int> lowerA = Vector256.Create(rowGroup->Start), lowerB = lowerA, upperA = default, upperB = default;
            High<TCodes, T>(group, fetch, out Vector256<ushort> highA, out Vector256<ushort> highB);
            for (nint i = 0; i < Planes<T>(); i++)
            {
                byte* plane = group + (i * PlaneBytes);
                Fetch(plane + fetch);
                PackedCodes.Split<TCodes>(Vector256.Load(plane), highA, out Vector256<byte> firstA, out Vector256<byte> secondA);
                PackedCodes.Split<TCodes>(Vector256.Load(plane + 32), highB, out Vector256<byte> firstB, out Vector256<byte> secondB);
                highA = TCodes.HighBits == 0 ? highA : highA >>> (4 * TCodes.HighBits);
                highB = TCodes.HighBits == 0 ? highB : highB >>> (4 * TCodes.HighBits);

                // Lower bytes have no sign, and codes are small enough to have one.
                Vector256<byte> x0 = Vector256.Create(x[0]).AsByte(), x1 = Vector256.Create(x[1]).AsByte();
                Vector256<byte> x2 = Vector256.Create(x[2]).AsByte(), x3 = Vector256.Create(x[3]).AsByte();
                lowerA = ByteDot.Add(ByteDot.Add(lowerA, x0, firstA), x2, secondA);
                lowerB = ByteDot.Add(ByteDot.Add(lowerB, x0, firstB), x2, secondB);
                upperA = ByteDot.Add(ByteDot.Add(upperA, firstA, x1), secondA, x3);
                upperB = ByteDot.Add(ByteDot.Add(upperB, firstB, x1), secondB, x3);
                x += 4;
            }

            Fetch(group + groupBytes - 1 + fetch);
            Vector256<float> scale = Vector256.Create(rowGroup->Scale);
            Vector256<float> productA = Vector256.ConvertToSingle(lowerA + (upperA << UpperShift));
            Vector256<float> productB = Vector256.ConvertToSingle(lowerB + (upperB << UpperShift));
            sumA = MultiplyAdd.Of(productA, Vector256.Load(scales) * scale, sumA);
            sumB = MultiplyAdd.Of(productB, Vector256.Load(scales + 8) * scale, sumB);
            rowGroup++;
            group += groupBytes;
        }

        sumA.Store(of.Result);
        sumB.Store(of.Result + 8);
    }

    /// <summary>Planes of nibbles in a group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Planes<T>()
        where T : struct, IInt8Groups
        => T.Pairs / 4;

    /// <summary>The plane of further bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void High<TCodes, T>(byte* group, nint fetch, out Vector256<ushort> a, out Vector256<ushort> b)
        where TCodes : struct, IPackedCodes
        where T : struct, IInt8Groups
    {
        byte* high = group + (Planes<T>() * PlaneBytes);
        if (TCodes.HighBits > 0)
        {
            Fetch(high + fetch);
        }

        a = TCodes.HighBits == 0 ? default : Vector256.Load((ushort*)high);
        b = TCodes.HighBits == 0 ? default : Vector256.Load((ushort*)high + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* at)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(at);
        }
    }
}
