using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Heads of a layer, and where its keys and values lie in a page; lengths in elements of the cache's type.</summary>
internal readonly struct CacheShape(
    int heads, int keyHeads, int headsPerKey, int firstHead, int headDim, int pageTokensLog2, long pageElements, long keyOffset,
    long valueOffset)
{
    public readonly int Heads = heads;
    public readonly int KeyHeads = keyHeads;

    /// <summary>Query heads that read one key head, if all are here.</summary>
    public readonly int HeadsPerKey = headsPerKey;

    /// <summary>The place of query head 0 among those of key head 0.</summary>
    public readonly int FirstHead = firstHead;
    public readonly int HeadDim = headDim;
    public readonly int PageTokensLog2 = pageTokensLog2;
    public readonly long PageElements = pageElements;
    public readonly long KeyOffset = keyOffset;
    public readonly long ValueOffset = valueOffset;

    /// <summary>The key head that a query head reads.</summary>
    public int KeyHeadOf(int head) => (FirstHead + head) / HeadsPerKey;

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

/// <summary>Which columns of a head turn together, and where their angles are.</summary>
/// <param name="pairs">Pairs of a head.</param>
/// <param name="apart">From one column of a pair to the other.</param>
/// <param name="step">From the first column of a pair to that of the next.</param>
/// <param name="byRow">1 if angles has a row for every row of the step, 0 if it has one for every position.</param>
internal readonly struct RotationShape(int pairs, int apart, int step, int byRow)
{
    public readonly int Pairs = pairs;
    public readonly int Apart = apart;
    public readonly int Step = step;
    public readonly int ByRow = byRow;
}

/// <summary>Heads that are rotated where they are: columns of a row, the first of them, heads and their columns.</summary>
internal readonly struct RotatedHeads(int width, int firstColumn, int heads, int headDim)
{
    public readonly int Width = width;
    public readonly int FirstColumn = firstColumn;
    public readonly int Heads = heads;
    public readonly int HeadDim = headDim;
}

/// <summary>
/// Rotary embedding and the write into the cache: qkv [T, (H + 2G) d], positions [T], tableStart [T] (where the row's page table begins),
/// pages, angles [positions or T, 2n] with n cosines before n sines. Queries are rotated in place; rotated keys and values go into the page
/// of the row's position. A group per row; a thread takes every 128th pair.
/// </summary>
internal static class RotateAndStoreKernel
{
    /// <summary>What stands for the beginning of a page table where a row is nobody's: its keys and values go nowhere.</summary>
    public const int NoTable = int.MinValue;

    [Kernel(typed: true)]
    public static void Run<TStored, TElement>(
        ArrayView<float> qkv,
        ArrayView<TStored> pool,
        ArrayView<int> positions,
        ArrayView<int> tableStart,
        ArrayView<int> pages,
        ArrayView<float> angles,
        CacheShape shape,
        RotationShape rotation)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        int row = Grid.IdxX;
        int position = positions[row];
        int table = tableStart[row];
        if (table == NoTable)
        {
            return;
        }

        int page = pages[table + (position >> shape.PageTokensLog2)];
        int turns = position;
        if (rotation.ByRow != 0)
        {
            turns = row;
        }

        long begin = (long)row * shape.Width;
        long angle = 2L * turns * rotation.Pairs;
        int pairs = (shape.Heads + shape.KeyHeads) * rotation.Pairs;
        for (int i = Group.IdxX; i < pairs; i += KernelLoader.GroupSize)
        {
            int head = i / rotation.Pairs;
            int pair = i % rotation.Pairs;
            int column = pair * rotation.Step;
            long left = begin + (head * shape.HeadDim) + column;
            float cos = angles[angle + pair];
            float sin = angles[angle + rotation.Pairs + pair];
            float a = qkv[left];
            float b = qkv[left + rotation.Apart];
            float rotatedA = (a * cos) - (b * sin);
            float rotatedB = (b * cos) + (a * sin);
            if (head < shape.Heads)
            {
                qkv[left] = rotatedA;
                qkv[left + rotation.Apart] = rotatedB;
            }
            else
            {
                long key = shape.Key(page, head - shape.Heads, position) + column;
                pool[key] = TElement.Store(rotatedA);
                pool[key + rotation.Apart] = TElement.Store(rotatedB);
            }
        }

        // Columns of keys that do not turn.
        int still = shape.HeadDim - (2 * rotation.Pairs);
        long firstKey = begin + (shape.Heads * shape.HeadDim);
        for (int i = Group.IdxX; i < shape.KeyHeads * still; i += KernelLoader.GroupSize)
        {
            int head = i / Math.Max(1, still);
            int column = (2 * rotation.Pairs) + i - (head * still);
            pool[shape.Key(page, head, position) + column] = TElement.Store(qkv[firstKey + (head * shape.HeadDim) + column]);
        }

        int values = shape.KeyHeads * shape.HeadDim;
        long firstValue = begin + ((shape.Heads + shape.KeyHeads) * shape.HeadDim);
        for (int i = Group.IdxX; i < values; i += KernelLoader.GroupSize)
        {
            int head = i / shape.HeadDim;
            pool[shape.Value(page, head, position) + (i % shape.HeadDim)] = TElement.Store(qkv[firstValue + i]);
        }
    }

    /// <summary>The rotation alone, in place: x [T, width], positions [T], angles as above. A group per row.</summary>
    [Kernel]
    public static void Rotate(
        ArrayView<float> x, ArrayView<int> positions, ArrayView<float> angles, RotatedHeads heads, RotationShape rotation)
    {
        int row = Grid.IdxX;
        int turns = positions[row];
        if (rotation.ByRow != 0)
        {
            turns = row;
        }

        long begin = ((long)row * heads.Width) + heads.FirstColumn;
        RotateHeads(x, begin, heads.Heads, heads.HeadDim, angles, turns, rotation);
    }

    /// <summary>Rotates heads that lie side by side, in place; all threads of the group together.</summary>
    internal static void RotateHeads(
        ArrayView<float> x, long begin, int heads, int headDim, ArrayView<float> angles, int turns, RotationShape rotation)
    {
        long angle = 2L * turns * rotation.Pairs;
        for (int i = Group.IdxX; i < heads * rotation.Pairs; i += KernelLoader.GroupSize)
        {
            int pair = i % rotation.Pairs;
            long left = begin + (i / rotation.Pairs * headDim) + (pair * rotation.Step);
            float cos = angles[angle + pair];
            float sin = angles[angle + rotation.Pairs + pair];
            float a = x[left];
            float b = x[left + rotation.Apart];
            x[left] = (a * cos) - (b * sin);
            x[left + rotation.Apart] = (b * cos) + (a * sin);
        }
    }
}
