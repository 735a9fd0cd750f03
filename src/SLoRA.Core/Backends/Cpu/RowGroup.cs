using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>What a row has for a group of its inputs.</summary>
/// <param name="Scale">The scale.</param>
/// <param name="Start">Where the sums of products begin.</param>
internal readonly record struct RowGroup(float Scale, int Start)
{
    /// <summary>Writes those of all groups of a row: its scales, and −zero · Σ x.</summary>
    /// <param name="scales">The scales.</param>
    /// <param name="sums">Σ x of each group.</param>
    /// <param name="groups">Groups.</param>
    /// <param name="zero">The code of zero.</param>
    /// <param name="to">Where they go.</param>
    public static unsafe void Write(float* scales, int* sums, int groups, int zero, RowGroup* to)
    {
        int g = 0;
        for (; g + Vector128<int>.Count <= groups; g += Vector128<int>.Count)
        {
            Vector128<int> starts = Vector128.Load(sums + g) * -zero;
            Vector256<int> both = Vector256.Create(Vector128.Load(scales + g).AsInt32(), starts);
            Vector256.Shuffle(both, Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).Store((int*)(to + g));
        }

        for (; g < groups; g++)
        {
            to[g] = new RowGroup(scales[g], -zero * sums[g]);
        }
    }
}
