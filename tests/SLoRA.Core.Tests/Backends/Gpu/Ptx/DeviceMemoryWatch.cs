using System.Runtime.InteropServices;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>
/// Device memory during a launch: the views that were passed and nothing else. Blocks run in any order, and threads of one in any order
/// between its barriers, so that of two threads that touch an element, one writing, nobody knows who is first.
/// </summary>
internal sealed unsafe class DeviceMemoryWatch
{
    // Elements are at least two bytes.
    private const int GranuleLog2 = 1;

    private readonly List<(ulong Begin, ulong End)> _views = [];
    private readonly Dictionary<ulong, Touch> _touches = [];

    /// <summary>The same views during another launch.</summary>
    public DeviceMemoryWatch Again()
    {
        var again = new DeviceMemoryWatch();
        again._views.AddRange(_views);
        return again;
    }

    /// <summary>Allows a view.</summary>
    public void Add(nint address, long bytes)
    {
        if (bytes > 0)
        {
            _views.Add(((ulong)address, (ulong)address + (ulong)bytes));
        }
    }

    /// <summary>Reads bytes.</summary>
    public ReadOnlySpan<byte> Read(Place by, ulong address, int count)
    {
        Check(by, address, count);
        for (ulong granule = address >> GranuleLog2; granule << GranuleLog2 < address + (ulong)count; granule++)
        {
            ref Touch touch = ref CollectionsMarshal.GetValueRefOrAddDefault(_touches, granule, out _);
            if (touch.IsWritten && !by.ComesAfter(touch.Writer))
            {
                throw new PtxFault($"{by} reads {address:x}, which {touch.Writer} writes in the same launch.");
            }

            touch.HasReaders |= touch.IsRead && !by.ComesAfter(touch.Reader);
            touch.IsRead = true;
            touch.Reader = by;
        }

        return new ReadOnlySpan<byte>((void*)address, count);
    }

    /// <summary>Writes bytes.</summary>
    public void Write(Place by, ulong address, ReadOnlySpan<byte> bytes)
    {
        Check(by, address, bytes.Length);
        for (ulong granule = address >> GranuleLog2; granule << GranuleLog2 < address + (ulong)bytes.Length; granule++)
        {
            ref Touch touch = ref CollectionsMarshal.GetValueRefOrAddDefault(_touches, granule, out _);
            if (touch.IsWritten && !by.ComesAfter(touch.Writer))
            {
                throw new PtxFault($"{by} and {touch.Writer} write {address:x} in one launch.");
            }

            if ((touch.IsRead && !by.ComesAfter(touch.Reader)) || (touch.HasReaders && touch.Reader.Epoch == by.Epoch))
            {
                throw new PtxFault($"{by} writes {address:x}, which {touch.Reader} reads in the same launch.");
            }

            touch.IsWritten = true;
            touch.Writer = by;
        }

        bytes.CopyTo(new Span<byte>((void*)address, bytes.Length));
    }

    /// <summary>An operation that no other comes between.</summary>
    public ulong Update(Place by, ulong address, PtxType type, Func<ulong, ulong> change)
    {
        Check(by, address, type.Bytes);
        ulong before = 0;
        new ReadOnlySpan<byte>((void*)address, type.Bytes).CopyTo(MemoryMarshal.AsBytes(new Span<ulong>(ref before)));
        ulong after = change(before);
        MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(ref after))[..type.Bytes].CopyTo(new Span<byte>((void*)address, type.Bytes));
        return before;
    }

    private void Check(Place by, ulong address, int count)
    {
        if (address % (ulong)count != 0)
        {
            throw new PtxFault($"{by} touches {count} bytes at {address:x}, which is no multiple of that.");
        }

        foreach ((ulong begin, ulong end) in _views)
        {
            if (address >= begin && address + (ulong)count <= end)
            {
                return;
            }
        }

        (ulong nearest, ulong after) = _views.MinBy(
            view => Math.Min(Math.Abs((double)view.Begin - address), Math.Abs((double)view.End - address)));
        throw new PtxFault(
            $"{by} touches {count} bytes at {address:x}, outside every view of the launch; the nearest is {nearest:x} to {after:x}.");
    }

    private struct Touch
    {
        public bool IsWritten;
        public bool IsRead;
        public bool HasReaders;
        public Place Writer;
        public Place Reader;
    }
}

/// <summary>Who touches memory, and when.</summary>
/// <param name="Block">Number of the block.</param>
/// <param name="Thread">Number of the thread in it.</param>
/// <param name="Epoch">How many barriers there have been.</param>
internal readonly record struct Place(int Block, int Thread, int Epoch)
{
    /// <summary>Whether what it does is surely behind what another did.</summary>
    public bool ComesAfter(Place other) => Block == other.Block && (Thread == other.Thread || Epoch > other.Epoch);

    /// <inheritdoc/>
    public override string ToString() => $"Thread {Thread} of block {Block}";
}
