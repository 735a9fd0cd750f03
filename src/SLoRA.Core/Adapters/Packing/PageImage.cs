using SLoRA.Adapters.Intake;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Native;
using SLoRA.Step;

namespace SLoRA.Adapters.Packing;

/// <summary>
/// A generation in main memory, byte for byte as it lies in the pages of the pool, one page after the other; the last one ends with its
/// last tile. Paging in copies it, and what is read back from the pages is the same image again. Immutable; any number of threads may read
/// it until it is disposed.
/// </summary>
internal sealed class PageImage : IDisposable
{
    private readonly NativeBlock _memory;
    private readonly long _pageBytes;

    private PageImage(GenerationId id, TileDirectory directory, long pageBytes, NativeBlock memory)
    {
        Id = id;
        Directory = directory;
        _pageBytes = pageBytes;
        _memory = memory;
    }

    /// <summary>The identity of the content.</summary>
    public GenerationId Id { get; }

    /// <summary>Where the tiles lie.</summary>
    public TileDirectory Directory { get; }

    /// <summary>Bytes of main memory.</summary>
    public long Bytes => _memory.Length;

    /// <summary>Bytes that the image of an adapter with this layout takes.</summary>
    public static long BytesOf(TileDirectory directory, long pageBytes)
    {
        return directory.Matrices.Select(End).DefaultIfEmpty().Max();

        long End(MatrixTiles matrix)
        {
            long end = 0;
            foreach (Tile tile in matrix.Tiles)
            {
                end = Math.Max(end, (tile.Page * pageBytes) + tile.Offset + ((long)tile.Rows * tile.Columns * matrix.Type.ElementSize()));
            }

            return end;
        }
    }

    /// <summary>Lays checked content out as it will lie in the pages. What lies between two tiles is zero.</summary>
    /// <param name="content">The content.</param>
    /// <param name="directory">Its layout.</param>
    /// <param name="pageBytes">Bytes of a page.</param>
    /// <param name="load">Says when it may work; null for always.</param>
    /// <param name="cancellation">Ends the packing between two pieces.</param>
    public static PageImage Pack(
        AdapterContent content, TileDirectory directory, long pageBytes, PacedLoad? load = null, CancellationToken cancellation = default)
    {
        var image = new PageImage(content.Id, directory, pageBytes, new NativeBlock(BytesOf(directory, pageBytes)));
        try
        {
            image._memory.Clear();
            var packer = new TilePacker(content, directory, new Pages(image), [.. Enumerable.Range(0, directory.PageCount)]);
            for (bool done = false; !done;)
            {
                cancellation.ThrowIfCancellationRequested();
                using LoadPace.Turn? turn = load?.Work(cancellation);
                done = packer.Advance(LoadPace.PieceBytes);
            }

            return image;
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    /// <summary>Reads the image of a resident generation back from its pages.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory for it.</exception>
    public static PageImage FromPages(GenerationId id, ResidentAdapter resident, IPageMemory memory)
    {
        var image =
            new PageImage(id, resident.Directory, memory.PageBytes, memory.AllocateMain(BytesOf(resident.Directory, memory.PageBytes)));
        for (int page = 0; page < resident.Pages.Length; page++)
        {
            memory.Read(resident.Pages[page], 0, image.Page(page));
        }

        return image;
    }

    /// <summary>The bytes of one page; fewer than a page has for the last.</summary>
    public Span<byte> Page(int page)
    {
        long begin = page * _pageBytes;
        return _memory.Slice(begin, checked((int)Math.Min(_pageBytes, Bytes - begin)));
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    /// <summary>The image as pages that a packer writes.</summary>
    private sealed class Pages(PageImage image) : MainMemoryPages
    {
        public override int PageCount => image.Directory.PageCount;

        public override long PageBytes => image._pageBytes;

        public override void Write(int page, long offset, ReadOnlySpan<byte> source) => source.CopyTo(image.Page(page)[(int)offset..]);

        public override void Read(int page, long offset, Span<byte> destination) =>
            image.Page(page).Slice((int)offset, destination.Length).CopyTo(destination);

        public override void Copy(int source, int destination) => image.Page(source).CopyTo(image.Page(destination));
    }
}
