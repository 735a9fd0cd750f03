using SLoRA.Native;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Memory for packed weights, taken in large blocks, so that matrices smaller than a large memory page share one
/// (<see cref="LargePages"/>): a step reads all weights once, and with pages of 4 KiB it would look up an address for every 64 cache lines.
/// </summary>
internal sealed unsafe class WeightMemory : IDisposable
{
    private const long BlockBytes = 32L << 20;

    private readonly List<AlignedMemory> _blocks = [];
    private byte* _next;
    private long _left;

    /// <summary>Zeroed memory on a cache-line border, valid until this is disposed.</summary>
    /// <exception cref="MemoryException">The process cannot have that much.</exception>
    public byte* Take(long bytes)
    {
        bytes = (bytes + AlignedMemory.Alignment - 1) & -AlignedMemory.Alignment;
        if (bytes > _left)
        {
            var block = new AlignedMemory(Math.Max(bytes, BlockBytes), LargePages.Bytes, MemoryUse.Weights);
            _blocks.Add(block);
            LargePages.Advise(block.Address, block.Bytes);
            if (block.Bytes - bytes < _left)
            {
                // A matrix that fills a block of its own leaves the present one to smaller ones.
                return block.Address;
            }

            _next = block.Address;
            _left = block.Bytes;
        }

        byte* taken = _next;
        _next += bytes;
        _left -= bytes;
        return taken;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (AlignedMemory block in _blocks)
        {
            block.Dispose();
        }

        _blocks.Clear();
        _left = 0;
    }
}
