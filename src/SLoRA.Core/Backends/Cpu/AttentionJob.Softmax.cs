using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <content>Scores of a block become weights, with the scales of an integer cache.</content>
internal sealed unsafe partial class AttentionJob
{
    /// <summary>Of integers, scores get the scales of their keys before, and weights those of their values behind.</summary>
    private void Weigh<T>(int query, int queries, int from, int to, AttentionScratch scratch)
        where T : struct, IElements
    {
        if (T.HasScales)
        {
            Multiply(scratch.Scores + (query * Block), queries, scratch.KeyScales, from, to);
        }

        BlockSoftmax.Weigh(query, queries, from, to, scratch, _attention, _paddedDim);
        if (T.HasScales)
        {
            Multiply(scratch.Scores + (query * Block), queries, scratch.ValueScales, from, to);
        }
    }

    private static void Multiply(float* scores, int queries, float* scales, int from, int to)
    {
        for (int query = 0; query < queries; query++, scores += Block)
        {
            for (int i = from & -Lanes.Count; i < to; i += Lanes.Count)
            {
                (Vector512.Load(scores + i) * Vector512.Load(scales + i)).Store(scores + i);
            }
        }
    }
}
