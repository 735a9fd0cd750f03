using SLoRA.Backends;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>Pages in one array, filled with a pattern first; it counts writes and refuses those that leave a page.</summary>
internal sealed class ArrayPages(int pageCount, long pageBytes) : MainMemoryPages
{
    public const byte Untouched = 0xA5;

    private readonly byte[] _bytes = Enumerable.Repeat(Untouched, checked((int)(pageCount * pageBytes))).ToArray();

    public override int PageCount => pageCount;

    public override long PageBytes => pageBytes;

    public int Writes { get; private set; }

    public int LargestWrite { get; private set; }

    public override void Write(int page, long offset, ReadOnlySpan<byte> source)
    {
        if (page < 0 || page >= pageCount || offset < 0 || offset + source.Length > pageBytes)
        {
            throw new InvalidOperationException("a write leaves its page");
        }

        source.CopyTo(_bytes.AsSpan((int)((page * pageBytes) + offset)));
        Writes++;
        LargestWrite = Math.Max(LargestWrite, source.Length);
    }

    public override void Copy(int source, int destination) =>
        _bytes.AsSpan((int)(source * pageBytes), (int)pageBytes).CopyTo(_bytes.AsSpan((int)(destination * pageBytes)));

    public override void Read(int page, long offset, Span<byte> destination) =>
        _bytes.AsSpan((int)((page * pageBytes) + offset), destination.Length).CopyTo(destination);
}
