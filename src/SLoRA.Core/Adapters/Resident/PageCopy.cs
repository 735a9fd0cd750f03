using SLoRA.Adapters.Packing;
using SLoRA.Backends;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// The copying of an image into the pages that a generation has been given, as many bytes at a time as the step allows. It may run beside
/// the steps. Nothing else writes weights into pages, and nothing reads them before they are there.
/// </summary>
internal sealed class PageCopy(PageImage image, int[] pages, IPageMemory memory)
{
    private int _page;
    private int _offset;
    private long _mark;

    /// <summary>Page number within the generation → page of the pool.</summary>
    public int[] Pages => pages;

    /// <summary>Timestamp of the moment when it got its pages.</summary>
    public long Begun { get; init; }

    /// <summary>Whether all bytes are on their way.</summary>
    public bool IsHandedOver => _page == pages.Length;

    /// <summary>Whether all bytes are in the pages.</summary>
    public bool IsComplete() => IsHandedOver && memory.IsWritten(_mark);

    /// <summary>Copies the next bytes.</summary>
    /// <param name="bytes">The most bytes to copy.</param>
    /// <returns>How many were copied.</returns>
    public long Advance(long bytes)
    {
        long left = bytes;
        while (left > 0 && !IsHandedOver)
        {
            ReadOnlySpan<byte> page = image.Page(_page);
            int length = (int)Math.Min(left, page.Length - _offset);
            _mark = memory.WriteBeside(pages[_page], _offset, page.Slice(_offset, length));
            left -= length;
            _offset += length;
            if (_offset == page.Length)
            {
                _offset = 0;
                _page++;
            }
        }

        return bytes - left;
    }
}
