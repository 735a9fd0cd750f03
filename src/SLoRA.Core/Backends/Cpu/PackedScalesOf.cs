using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>The scales of the groups of a panel of packed weights, one group after the other.</summary>
internal static unsafe class PackedScalesOf<TCodes, TScales, T>
    where TCodes : struct, IPackedCodes
    where TScales : struct, IPackedScales
    where T : struct, IInt8Groups
{
    /// <summary>The most numbers that a block of groups shares.</summary>
    public const int SharedFloats = 2 * Lanes.Count;

    /// <summary>Reads those of a group; what it shares is read when the block or the reading begins, and kept by the caller.</summary>
    /// <param name="panel">The panel.</param>
    /// <param name="groups">Its groups.</param>
    /// <param name="group">The group.</param>
    /// <param name="first">The group that reading began with.</param>
    /// <param name="shared"><see cref="SharedFloats"/> numbers.</param>
    /// <param name="scales">Where the scales go.</param>
    /// <param name="offsets">Where the offsets go, if there are some.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(byte* panel, int groups, int group, int first, float* shared, float* scales, float* offsets)
    {
        if (TScales.BlockGroups > 0 && (group == first || group % TScales.BlockGroups == 0))
        {
            TScales.ReadShared(PackedLayout<TCodes, TScales, T>.Block(panel, groups, group), shared);
        }

        TScales.Read(
            panel + ((nint)group * PackedLayout<TCodes, TScales, T>.GroupBytes) + PackedLayout<TCodes, TScales, T>.ScalesAt, shared, scales,
            offsets);
    }

    /// <summary>Reads those of a run of groups, and adds up what their offsets add to the product of a row.</summary>
    /// <param name="panel">The panel.</param>
    /// <param name="groups">Its groups.</param>
    /// <param name="first">The first group of the run.</param>
    /// <param name="count">How many.</param>
    /// <param name="scales">Where the scales go, <c>[count][16]</c>.</param>
    /// <param name="x">What offsets of each group of the panel are multiplied by.</param>
    /// <param name="added">16 sums, which the products are added to.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Widen(byte* panel, int groups, int first, int count, float* scales, float* x, float* added)
    {
        float* shared = stackalloc float[SharedFloats + Lanes.Count];
        float* offsets = shared + SharedFloats;
        Vector256<float> sumA = Vector256.Load(added), sumB = Vector256.Load(added + 8);
        for (int group = first; group < first + count; group++, scales += Lanes.Count)
        {
            Read(panel, groups, group, first, shared, scales, offsets);
            if (TScales.HasOffsets)
            {
                Vector256<float> factor = Vector256.Create(x[group]);
                sumA = MultiplyAdd.Of(Vector256.Load(offsets), factor, sumA);
                sumB = MultiplyAdd.Of(Vector256.Load(offsets + 8), factor, sumB);
            }
        }

        sumA.Store(added);
        sumB.Store(added + 8);
    }
}
