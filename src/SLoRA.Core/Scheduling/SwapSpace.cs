using System.Collections.Immutable;
using SLoRA.Adapters;
using SLoRA.Backends;

namespace SLoRA.Scheduling;

/// <summary>Keys and values of a preempted sequence in main memory.</summary>
/// <param name="Blocks">One block per page, in token order.</param>
/// <param name="Tokens">How many tokens they hold.</param>
internal sealed record SwappedPages(ImmutableArray<NativeBlock> Blocks, int Tokens);

/// <summary>
/// Main memory for pages that are wanted on the device: blocks of one page each, allocated when they are first needed, kept for the next. Belongs to
/// the engine's thread.
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

    /// <summary>Copies pages out.</summary>
    public SwappedPages Write(ReadOnlySpan<int> pages, int tokens)
    {
        var blocks = ImmutableArray.CreateBuilder<NativeBlock>(pages.Length);
        foreach (int page in pages)
        {
            NativeBlock block = _free.TryPop(out NativeBlock? kept) ? kept : new NativeBlock(memory.PageBytes);
            memory.Read(page, 0, block.Slice(0, checked((int)memory.PageBytes)));
            blocks.Add(block);
            Used++;
        }

        return new SwappedPages(blocks.MoveToImmutable(), tokens);
    }

    /// <summary>Copies pages back in, from page <paramref name="first"/> of the sequence on.</summary>
    public void Read(SwappedPages swapped, int first, ReadOnlySpan<int> pages)
    {
        for (int i = first; i < pages.Length; i++)
        {
            memory.Write(pages[i], 0, swapped.Blocks[i].Slice(0, checked((int)memory.PageBytes)));
        }
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
}
