using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <summary>
/// KV heads that two shards have, since query heads of both read them: what they keep of a token must be the same, byte for byte. A
/// difference means that the shards no longer compute the same model.
/// </summary>
/// <param name="slices">How each shard's slice of a page is laid out.</param>
/// <param name="heads">How the KV heads of each layer are cut.</param>
/// <param name="pages">The slices.</param>
internal sealed class SharedHeads(ImmutableArray<KvLayout> slices, ImmutableArray<(Split Split, int HeadDim)> heads, IPageMemory[] pages)
{
    private byte[] _left = [];
    private byte[] _right = [];

    /// <summary>Compares the pages that a step has filled.</summary>
    /// <exception cref="InvalidOperationException">Two shards disagree; it names them, the page and the layer.</exception>
    public void Check(StepPlan plan)
    {
        foreach (StepSlice slice in plan.Slices)
        {
            int tokens = slices[0].PageTokens;
            for (int layer = 0; layer < heads.Length; layer++)
            {
                int table = plan.TableStart(slice, slices[0].Layers[layer].Group);
                for (int page = slice.FirstPosition / tokens; page < (slice.FirstPosition + slice.RowCount) / tokens; page++)
                {
                    Check(plan.PageTables[table + page], layer);
                }
            }
        }
    }

    private void Check(int page, int layer)
    {
        (Split split, int headDim) = heads[layer];
        for (int shard = 1; shard < pages.Length; shard++)
        {
            (int before, int end) = split.Of(shard - 1, pages.Length);
            (int first, int last) = split.Of(shard, pages.Length);
            for (int head = first / headDim; head < Math.Min(end, last) / headDim; head++)
            {
                Check(page, layer, shard, head - (before / headDim), head - (first / headDim));
            }
        }
    }

    private void Check(int page, int layer, int shard, int leftHead, int rightHead)
    {
        LayerBlock left = slices[shard - 1].Layers[layer];
        LayerBlock right = slices[shard].Layers[layer];
        if (_left.Length != left.HeadBytes)
        {
            _left = new byte[left.HeadBytes];
            _right = new byte[left.HeadBytes];
        }

        Check(left.KeyOffset + (leftHead * left.HeadBytes), right.KeyOffset + (rightHead * right.HeadBytes), "keys");
        Check(left.ValueOffset + (leftHead * left.HeadBytes), right.ValueOffset + (rightHead * right.HeadBytes), "values");

        void Check(long leftOffset, long rightOffset, string what)
        {
            pages[shard - 1].Read(page, leftOffset, _left);
            pages[shard].Read(page, rightOffset, _right);
            if (!_left.AsSpan().SequenceEqual(_right))
            {
                throw new InvalidOperationException(
                    $"Shards {shard - 1} and {shard} disagree on page {page}: {what} of layer {layer}.");
            }
        }
    }
}
