using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <summary>
/// KV heads that two shards have, since query heads of both read them, and what every shard keeps, such as latents: what they keep of a
/// token must be the same, byte for byte. A difference means that the shards no longer compute the same model. Of integers those heads are
/// compared that fill their blocks: what pads others is whatever was there.
/// </summary>
/// <param name="slices">How each shard's slice of a page is laid out.</param>
/// <param name="kept">What each layer keeps, and how shards share it.</param>
/// <param name="pages">The slices.</param>
internal sealed class SharedHeads(ImmutableArray<KvLayout> slices, ImmutableArray<KeyValueShape> kept, IPageMemory[] pages)
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
            for (int layer = 0; layer < kept.Length; layer++)
            {
                if (!slices[0].IsWhole(kept[layer]))
                {
                    continue;
                }

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
        for (int shard = 1; shard < pages.Length; shard++)
        {
            (int before, int end) = HeadsOf(kept[layer], shard - 1);
            (int first, int last) = HeadsOf(kept[layer], shard);
            for (int head = first; head < Math.Min(end, last); head++)
            {
                Check(page, layer, shard, head - before, head - first);
            }
        }
    }

    private (int First, int End) HeadsOf(KeyValueShape shape, int shard)
    {
        if (shape.Split is not { } split)
        {
            return (0, shape.Heads);
        }

        (int first, int end) = split.Of(shard, pages.Length);
        return (first / shape.HeadDim, end / shape.HeadDim);
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
        if (kept[layer].ValueDim == 0)
        {
            return;
        }

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
