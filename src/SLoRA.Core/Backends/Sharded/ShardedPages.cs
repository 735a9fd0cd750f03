using SLoRA.Native;

namespace SLoRA.Backends.Sharded;

/// <summary>
/// Pages of which every shard has an equal slice: byte for byte one slice after the other, so that whoever copies pages needs to know
/// nothing of shards.
/// </summary>
/// <param name="slices">The pages of the shards.</param>
internal sealed class ShardedPages(IPageMemory[] slices) : IPageMemory
{
    // Copies beside the steps that may not have ended, in their order, each with the mark of its shard.
    private readonly Queue<(long Mark, int Shard, long Own)> _pending = new();
    private long _marks;

    /// <inheritdoc/>
    public int PageCount => slices[0].PageCount;

    /// <inheritdoc/>
    public long PageBytes => slices[0].PageBytes * slices.Length;

    /// <inheritdoc/>
    public bool IsMainMemory => slices[0].IsMainMemory;

    /// <inheritdoc/>
    public void Write(int page, long offset, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            (int shard, long at, int length) = Slice(offset, source.Length);
            slices[shard].Write(page, at, source[..length]);
            source = source[length..];
            offset += length;
        }
    }

    /// <inheritdoc/>
    public long WriteBeside(int page, long offset, ReadOnlySpan<byte> source)
    {
        long mark = 0;
        while (!source.IsEmpty)
        {
            (int shard, long at, int length) = Slice(offset, source.Length);
            long own = slices[shard].WriteBeside(page, at, source[..length]);
            if (own != 0)
            {
                mark = ++_marks;
                _pending.Enqueue((mark, shard, own));
            }

            source = source[length..];
            offset += length;
        }

        return mark;
    }

    /// <inheritdoc/>
    public bool IsWritten(long mark)
    {
        while (_pending.TryPeek(out (long Mark, int Shard, long Own) first) && first.Mark <= mark)
        {
            if (!slices[first.Shard].IsWritten(first.Own))
            {
                return false;
            }

            _pending.Dequeue();
        }

        return true;
    }

    /// <inheritdoc/>
    public void Settle()
    {
        foreach (IPageMemory slice in slices)
        {
            slice.Settle();
        }
    }

    /// <inheritdoc/>
    public void Read(int page, long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            (int shard, long at, int length) = Slice(offset, destination.Length);
            slices[shard].Read(page, at, destination[..length]);
            destination = destination[length..];
            offset += length;
        }
    }

    /// <inheritdoc/>
    public void Copy(int source, int destination)
    {
        foreach (IPageMemory slice in slices)
        {
            slice.Copy(source, destination);
        }
    }

    /// <inheritdoc/>
    public void Clear(int page)
    {
        foreach (IPageMemory slice in slices)
        {
            slice.Clear(page);
        }
    }

    /// <inheritdoc/>
    public NativeBlock AllocateMain(long bytes) => slices[0].AllocateMain(bytes);

    private (int Shard, long At, int Length) Slice(long offset, int length)
    {
        long bytes = slices[0].PageBytes;
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + length, PageBytes);
        (long shard, long at) = Math.DivRem(offset, bytes);
        return ((int)shard, at, (int)Math.Min(length, bytes - at));
    }
}
