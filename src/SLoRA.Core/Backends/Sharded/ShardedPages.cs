namespace SLoRA.Backends.Sharded;

/// <summary>
/// Pages of which every shard has an equal slice: byte for byte one slice after the other, so that whoever copies pages needs to know
/// nothing of shards.
/// </summary>
/// <param name="slices">The pages of the shards, in main memory.</param>
internal sealed class ShardedPages(IPageMemory[] slices) : MainMemoryPages
{
    /// <inheritdoc/>
    public override int PageCount => slices[0].PageCount;

    /// <inheritdoc/>
    public override long PageBytes => slices[0].PageBytes * slices.Length;

    /// <inheritdoc/>
    public override void Write(int page, long offset, ReadOnlySpan<byte> source)
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
    public override void Read(int page, long offset, Span<byte> destination)
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
    public override void Copy(int source, int destination)
    {
        foreach (IPageMemory slice in slices)
        {
            slice.Copy(source, destination);
        }
    }

    private (int Shard, long At, int Length) Slice(long offset, int length)
    {
        long bytes = slices[0].PageBytes;
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + length, PageBytes);
        (long shard, long at) = Math.DivRem(offset, bytes);
        return ((int)shard, at, (int)Math.Min(length, bytes - at));
    }
}
