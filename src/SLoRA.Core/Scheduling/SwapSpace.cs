using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Native;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Main memory for pages that are wanted on the device: blocks of one page each, allocated when they are first needed, kept for the next.
/// Belongs to the engine's thread.
/// </summary>
/// <param name="memory">The pages' bytes.</param>
/// <param name="byteLimit">The most bytes of blocks.</param>
internal sealed class SwapSpace(IPageMemory memory, long byteLimit) : IDisposable
{
    private readonly Stack<NativeBlock> _free = [];

    /// <summary>Blocks that there may be.</summary>
    public long Capacity { get; } = byteLimit / memory.PageBytes;

    /// <summary>Blocks that hold something.</summary>
    public int Used { get; private set; }

    /// <summary>Bytes of a block.</summary>
    public long PageBytes => memory.PageBytes;

    /// <summary>Whether so many pages can be taken in.</summary>
    public bool HasRoom(int pages) => Used + pages <= Capacity;

    /// <summary>Copies pages out, unless there is no memory for all of them.</summary>
    /// <returns>Null when there is none; then nothing has changed.</returns>
    public SwappedPages? TryWrite(ReadOnlySpan<int> pages, int tokens)
    {
        if (!TryAllocate(pages.Length))
        {
            return null;
        }

        var blocks = ImmutableArray.CreateBuilder<NativeBlock>(pages.Length);
        foreach (int page in pages)
        {
            memory.Read(page, 0, _free.Peek().Slice(0, checked((int)memory.PageBytes)));
            blocks.Add(_free.Pop());
        }

        Used += pages.Length;
        return new SwappedPages(blocks.MoveToImmutable(), tokens);
    }

    /// <summary>Copies pages back in.</summary>
    /// <param name="swapped">What was copied out.</param>
    /// <param name="pages">Where each of them goes; negative for one that is not wanted.</param>
    /// <returns>How many were wanted.</returns>
    public int Read(SwappedPages swapped, ReadOnlySpan<int> pages)
    {
        int wanted = 0;
        for (int i = 0; i < pages.Length; i++)
        {
            if (pages[i] >= 0)
            {
                memory.Write(pages[i], 0, swapped.Blocks[i].Slice(0, checked((int)memory.PageBytes)));
                wanted++;
            }
        }

        return wanted;
    }

    /// <summary>Takes the blocks back.</summary>
    public void Release(SwappedPages swapped)
    {
        foreach (NativeBlock block in swapped.Blocks)
        {
            _free.Push(block);
            Used--;
        }
    }

    /// <summary>Frees the memory. Nothing may be swapped any more.</summary>
    public void Dispose()
    {
        while (_free.TryPop(out NativeBlock? block))
        {
            block.Dispose();
        }
    }

    /// <summary>Whether there are so many free blocks, after others have been allocated if need be.</summary>
    private bool TryAllocate(int blocks)
    {
        int kept = _free.Count;
        try
        {
            while (_free.Count < blocks)
            {
                _free.Push(memory.AllocateMain(memory.PageBytes));
            }

            return true;
        }
        catch (OutOfMemoryException)
        {
            // Where memory is short, none is held for nothing.
            while (_free.Count > kept)
            {
                _free.Pop().Dispose();
            }

            return false;
        }
    }
}
