using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The product of one row with a panel of packed weights, straight from their planes: memory is read once, and weights are never written.
/// The integer sums, the groups and the offsets are added as <see cref="PackedProduct{TCodes,TScales,T}"/> states it, so all widths, and
/// rows that are multiplied together, have the same bits.
/// </summary>
internal static unsafe class PackedKernels
{
    /// <summary>512 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Row512<TCodes, TScales, T>(in PackedRow row)
        where TCodes : struct, IPackedCodes
        where TScales : struct, IPackedScales
        where T : struct, IInt8Groups
    {
        float* scales = stackalloc float[4 * Lanes.Count];
        float* offsets = scales + Lanes.Count, shared = offsets + Lanes.Count;
        int* x = row.X;
        byte* group = row.Panel + ((nint)row.FirstGroup * PackedLayout<TCodes, TScales, T>.GroupBytes);
        Vector512<float> sum = default, added = default;
        for (int g = 0; g < row.Groups; g++)
        {
            Vector512<int> a = Vector512.Create(-TCodes.Zero * row.Sums[g]), b = default, c = default;
            Vector512<ushort> high = TCodes.HighBits == 0
                ? default
                : Vector512.Load((ushort*)(group + PackedLayout<TCodes, TScales, T>.HighAt));
            for (int i = 0; i < T.Pairs / PackedLayout<TCodes, TScales, T>.PairsOfNibbles; i++)
            {
                PackedCodes.Split<TCodes>(
                    Vector512.Load((ushort*)(group + (i * PackedLayout<TCodes, TScales, T>.PlaneBytes))), high,
                    out Vector512<short> w0, out Vector512<short> w1, out Vector512<short> w2, out Vector512<short> w3);
                a += Int8Dot.Multiply(w0, Vector512.Create(x[0]).AsInt16());
                b += Int8Dot.Multiply(w1, Vector512.Create(x[1]).AsInt16());
                c += Int8Dot.Multiply(w2, Vector512.Create(x[2]).AsInt16());
                a += Int8Dot.Multiply(w3, Vector512.Create(x[3]).AsInt16());
                high = TCodes.HighBits == 0 ? high : high >>> (4 * TCodes.HighBits);
                x += PackedLayout<TCodes, TScales, T>.PairsOfNibbles;
            }

            row.ReadScales<TCodes, TScales, T>(g, shared, scales, offsets);
            a += (b >> PackedCodes.Pair1Shift) + (c >> PackedCodes.Pair2Shift);
            sum = MultiplyAdd.Of(Vector512.ConvertToSingle(a), Vector512.Load(scales) * Vector512.Create(row.Scales[g]), sum);
            added = TScales.HasOffsets
                ? MultiplyAdd.Of(Vector512.Load(offsets), Vector512.Create(row.Offsets[g]), added)
                : added;
            group += PackedLayout<TCodes, TScales, T>.GroupBytes;
        }

        (TScales.HasOffsets ? sum + added : sum).Store(row.Result);
    }

    /// <summary>256 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Row256<TCodes, TScales, T>(in PackedRow row)
        where TCodes : struct, IPackedCodes
        where TScales : struct, IPackedScales
        where T : struct, IInt8Groups
    {
        float* scales = stackalloc float[4 * Lanes.Count];
        float* offsets = scales + Lanes.Count, shared = offsets + Lanes.Count;
        int* x = row.X;
        byte* group = row.Panel + ((nint)row.FirstGroup * PackedLayout<TCodes, TScales, T>.GroupBytes);
        Vector256<float> sumA = default, sumB = default, addedA = default, addedB = default;
        for (int g = 0; g < row.Groups; g++)
        {
            Vector256<int> a = Vector256.Create(-TCodes.Zero * row.Sums[g]), b = a;
            Vector256<int> a1 = default, a2 = default, b1 = default, b2 = default;
            var highs = (ushort*)(group + PackedLayout<TCodes, TScales, T>.HighAt);
            Vector256<ushort> highA = TCodes.HighBits == 0 ? default : Vector256.Load(highs);
            Vector256<ushort> highB = TCodes.HighBits == 0 ? default : Vector256.Load(highs + 16);
            var plane = (ushort*)group;
            for (int i = 0; i < T.Pairs / PackedLayout<TCodes, TScales, T>.PairsOfNibbles; i++)
            {
                Vector256<short> x0 = Vector256.Create(x[0]).AsInt16(), x1 = Vector256.Create(x[1]).AsInt16();
                Vector256<short> x2 = Vector256.Create(x[2]).AsInt16(), x3 = Vector256.Create(x[3]).AsInt16();
                PackedCodes.Split<TCodes>(
                    Vector256.Load(plane), highA,
                    out Vector256<short> w0, out Vector256<short> w1, out Vector256<short> w2, out Vector256<short> w3);
                a = Int8Dot.Add(Int8Dot.Add(a, w0, x0), w3, x3);
                a1 = Int8Dot.Add(a1, w1, x1);
                a2 = Int8Dot.Add(a2, w2, x2);
                PackedCodes.Split<TCodes>(Vector256.Load(plane + 16), highB, out w0, out w1, out w2, out w3);
                b = Int8Dot.Add(Int8Dot.Add(b, w0, x0), w3, x3);
                b1 = Int8Dot.Add(b1, w1, x1);
                b2 = Int8Dot.Add(b2, w2, x2);
                highA = TCodes.HighBits == 0 ? highA : highA >>> (4 * TCodes.HighBits);
                highB = TCodes.HighBits == 0 ? highB : highB >>> (4 * TCodes.HighBits);
                plane += 32;
                x += PackedLayout<TCodes, TScales, T>.PairsOfNibbles;
            }

            row.ReadScales<TCodes, TScales, T>(g, shared, scales, offsets);
            a += (a1 >> PackedCodes.Pair1Shift) + (a2 >> PackedCodes.Pair2Shift);
            b += (b1 >> PackedCodes.Pair1Shift) + (b2 >> PackedCodes.Pair2Shift);
            Vector256<float> scale = Vector256.Create(row.Scales[g]);
            sumA = MultiplyAdd.Of(Vector256.ConvertToSingle(a), Vector256.Load(scales) * scale, sumA);
            sumB = MultiplyAdd.Of(Vector256.ConvertToSingle(b), Vector256.Load(scales + 8) * scale, sumB);
            if (TScales.HasOffsets)
            {
                Vector256<float> offset = Vector256.Create(row.Offsets[g]);
                addedA = MultiplyAdd.Of(Vector256.Load(offsets), offset, addedA);
                addedB = MultiplyAdd.Of(Vector256.Load(offsets + 8), offset, addedB);
            }

            group += PackedLayout<TCodes, TScales, T>.GroupBytes;
        }

        (TScales.HasOffsets ? sumA + addedA : sumA).Store(row.Result);
        (TScales.HasOffsets ? sumB + addedB : sumB).Store(row.Result + 8);
    }

    /// <summary>128 bits: four outputs at a time, so that all sums of a group stay in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Row128<TCodes, TScales, T>(in PackedRow row)
        where TCodes : struct, IPackedCodes
        where TScales : struct, IPackedScales
        where T : struct, IInt8Groups
    {
        float* scales = stackalloc float[6 * Lanes.Count];
        float* offsets = scales + Lanes.Count, sums = offsets + Lanes.Count, added = sums + Lanes.Count, shared = added + Lanes.Count;
        new Span<float>(sums, 2 * Lanes.Count).Clear();
        int* x = row.X;
        byte* group = row.Panel + ((nint)row.FirstGroup * PackedLayout<TCodes, TScales, T>.GroupBytes);
        for (int g = 0; g < row.Groups; g++)
        {
            row.ReadScales<TCodes, TScales, T>(g, shared, scales, offsets);
            Vector128<float> scale = Vector128.Create(row.Scales[g]), offset = Vector128.Create(row.Offsets[g]);
            for (int j = 0; j < Lanes.Count; j += Vector128<float>.Count)
            {
                Vector128<int> a = Vector128.Create(-TCodes.Zero * row.Sums[g]), b = default, c = default;
                Vector128<ushort> high = TCodes.HighBits == 0
                    ? default
                    : Vector128.Load((ushort*)(group + PackedLayout<TCodes, TScales, T>.HighAt) + (2 * j));
                for (int i = 0; i < T.Pairs / PackedLayout<TCodes, TScales, T>.PairsOfNibbles; i++)
                {
                    int* pairs = x + (i * PackedLayout<TCodes, TScales, T>.PairsOfNibbles);
                    PackedCodes.Split<TCodes>(
                        Vector128.Load((ushort*)(group + (i * PackedLayout<TCodes, TScales, T>.PlaneBytes)) + (2 * j)), high,
                        out Vector128<short> w0, out Vector128<short> w1, out Vector128<short> w2, out Vector128<short> w3);
                    a = Int8Dot.Add(a, w0, Vector128.Create(pairs[0]).AsInt16());
                    b = Int8Dot.Add(b, w1, Vector128.Create(pairs[1]).AsInt16());
                    c = Int8Dot.Add(c, w2, Vector128.Create(pairs[2]).AsInt16());
                    a = Int8Dot.Add(a, w3, Vector128.Create(pairs[3]).AsInt16());
                    high = TCodes.HighBits == 0 ? high : high >>> (4 * TCodes.HighBits);
                }

                a += (b >> PackedCodes.Pair1Shift) + (c >> PackedCodes.Pair2Shift);
                MultiplyAdd.Of(Vector128.ConvertToSingle(a), Vector128.Load(scales + j) * scale, Vector128.Load(sums + j)).Store(sums + j);
                if (TScales.HasOffsets)
                {
                    MultiplyAdd.Of(Vector128.Load(offsets + j), offset, Vector128.Load(added + j)).Store(added + j);
                }
            }

            x += T.Pairs;
            group += PackedLayout<TCodes, TScales, T>.GroupBytes;
        }

        for (int j = 0; j < Lanes.Count; j += Vector128<float>.Count)
        {
            Vector128<float> sum = Vector128.Load(sums + j);
            (TScales.HasOffsets ? sum + Vector128.Load(added + j) : sum).Store(row.Result + j);
        }
    }
}

/// <summary>What a kernel for one row of packed weights reads: some groups of a panel, and the row's part of them.</summary>
internal readonly unsafe struct PackedRow
{
    /// <summary>The inputs of the first group, two 16-bit integers to a word.</summary>
    public required int* X { get; init; }

    /// <summary>The scale of each group of inputs.</summary>
    public required float* Scales { get; init; }

    /// <summary>The sum of each group of inputs, as integer.</summary>
    public required int* Sums { get; init; }

    /// <summary>The sum of each group of inputs, as number.</summary>
    public required float* Offsets { get; init; }

    /// <summary>The panel, from its first group on.</summary>
    public required byte* Panel { get; init; }

    /// <summary>Groups of the whole panel.</summary>
    public required int PanelGroups { get; init; }

    /// <summary>The first group.</summary>
    public required int FirstGroup { get; init; }

    /// <summary>Groups from that on.</summary>
    public required int Groups { get; init; }

    /// <summary>Where the 16 sums go.</summary>
    public required float* Result { get; init; }

    /// <summary>Reads the scales of a group, by its number from the first on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ReadScales<TCodes, TScales, T>(int group, float* shared, float* scales, float* offsets)
        where TCodes : struct, IPackedCodes
        where TScales : struct, IPackedScales
        where T : struct, IInt8Groups
        => PackedScalesOf<TCodes, TScales, T>.Read(Panel, PanelGroups, FirstGroup + group, FirstGroup, shared, scales, offsets);
}
