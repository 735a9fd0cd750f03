using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Heads of a layer, and where its keys and values lie in a page; lengths in elements of the cache's type.</summary>
internal readonly struct CacheShape(
    int heads, int keyHeads, int headDim, int pageTokensLog2, long pageElements, long keyOffset, long valueOffset)
{
    public readonly int Heads = heads;
    public readonly int KeyHeads = keyHeads;
    public readonly int HeadDim = headDim;
    public readonly int PageTokensLog2 = pageTokensLog2;
    public readonly long PageElements = pageElements;
    public readonly long KeyOffset = keyOffset;
    public readonly long ValueOffset = valueOffset;

    /// <summary>Columns of a row of queries, keys and values.</summary>
    public int Width => (Heads + (2 * KeyHeads)) * HeadDim;

    /// <summary>Where a head's keys of a position lie in the pool: keys and values of a head are <c>[pageTokens, d]</c>.</summary>
    public long Key(int page, int keyHead, int position) => (page * PageElements) + KeyOffset + Slot(keyHead, position);

    /// <summary>Where a head's values of a position lie in the pool.</summary>
    public long Value(int page, int keyHead, int position) => (page * PageElements) + ValueOffset + Slot(keyHead, position);

    private long Slot(int keyHead, int position)
    {
        int inPage = position & ((1 << PageTokensLog2) - 1);
        return (long)((keyHead << PageTokensLog2) + inPage) * HeadDim;
    }
}

/// <summary>
/// Rotary embedding and the write into the cache: qkv [T, (H + 2G) d], positions [T], tableStart [T] (where the row's page table begins),
/// pages, angles [positions, d] with d/2 cosines before d/2 sines. Queries are rotated in place; rotated keys and values go into the page
/// of the row's position. A group per row; a thread takes every 128th pair.
/// </summary>
internal static class RotateAndStoreKernel
{
    [Kernel(typed: true)]
    public static void Run<TStored, TElement>(
        ArrayView<float> qkv,
        ArrayView<TStored> pool,
        ArrayView<int> positions,
        ArrayView<int> tableStart,
        ArrayView<int> pages,
        ArrayView<float> angles,
        CacheShape shape)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        int row = Grid.IdxX;
        int position = positions[row];
        int page = pages[tableStart[row] + (position >> shape.PageTokensLog2)];
        int half = shape.HeadDim >> 1;
        long begin = (long)row * shape.Width;
        long angle = (long)position * shape.HeadDim;
        int pairs = (shape.Heads + shape.KeyHeads) * half;
        for (int i = Group.IdxX; i < pairs; i += KernelLoader.GroupSize)
        {
            int head = i / half;
            int pair = i % half;
            long left = begin + (head * shape.HeadDim) + pair;
            float cos = angles[angle + pair];
            float sin = angles[angle + half + pair];
            float a = qkv[left];
            float b = qkv[left + half];
            float rotatedA = (a * cos) - (b * sin);
            float rotatedB = (b * cos) + (a * sin);
            if (head < shape.Heads)
            {
                qkv[left] = rotatedA;
                qkv[left + half] = rotatedB;
            }
            else
            {
                long key = shape.Key(page, head - shape.Heads, position) + pair;
                pool[key] = TElement.Store(rotatedA);
                pool[key + half] = TElement.Store(rotatedB);
            }
        }

        int values = shape.KeyHeads * shape.HeadDim;
        long firstValue = begin + ((shape.Heads + shape.KeyHeads) * shape.HeadDim);
        for (int i = Group.IdxX; i < values; i += KernelLoader.GroupSize)
        {
            int head = i / shape.HeadDim;
            pool[shape.Value(page, head, position) + (i % shape.HeadDim)] = TElement.Store(qkv[firstValue + i]);
        }
    }
}
