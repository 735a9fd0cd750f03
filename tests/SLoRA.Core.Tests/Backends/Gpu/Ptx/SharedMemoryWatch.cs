namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>
/// The shared memory of a block, byte by byte: what nobody wrote must not be read, and of two threads that touch a byte between two
/// barriers, one writing, nobody knows who is first. A copy that is under way may land at any time until its thread has waited for it.
/// </summary>
internal sealed class SharedMemoryWatch(int bytes)
{
    private const int Many = -1;

    private readonly byte[] _memory = new byte[bytes];
    private readonly int[] _writer = new int[bytes];
    private readonly int[] _written = Filled(bytes);
    private readonly int[] _reader = new int[bytes];
    private readonly int[] _read = Filled(bytes);
    private readonly bool[] _isUnderWay = new bool[bytes];

    /// <summary>How many barriers there have been.</summary>
    public int Epoch { get; set; }

    /// <summary>Reads bytes.</summary>
    public ReadOnlySpan<byte> Read(int thread, ulong place, int count)
    {
        int at = Within(place, count, thread);
        for (int i = at; i < at + count; i++)
        {
            if (_isUnderWay[i])
            {
                throw new PtxFault($"Thread {thread} reads shared byte {i} while a copy to it is under way.");
            }

            if (_written[i] < 0)
            {
                throw new PtxFault($"Thread {thread} reads shared byte {i}, which nobody has written.");
            }

            if (_written[i] == Epoch && _writer[i] != thread)
            {
                throw new PtxFault($"Thread {thread} reads shared byte {i}, which thread {_writer[i]} writes: no barrier between them.");
            }

            _reader[i] = _read[i] == Epoch && _reader[i] != thread ? Many : thread;
            _read[i] = Epoch;
        }

        return _memory.AsSpan(at, count);
    }

    /// <summary>Writes bytes.</summary>
    public void Write(int thread, ulong place, ReadOnlySpan<byte> bytes)
    {
        int at = Claim(thread, place, bytes.Length);
        bytes.CopyTo(_memory.AsSpan(at));
    }

    /// <summary>A copy begins.</summary>
    public void BeginCopy(int thread, ulong place, int count)
    {
        int at = Claim(thread, place, count);
        _isUnderWay.AsSpan(at, count).Fill(true);
    }

    /// <summary>A copy has been waited for.</summary>
    public void EndCopy(int thread, ulong place, ReadOnlySpan<byte> bytes)
    {
        _isUnderWay.AsSpan((int)place, bytes.Length).Clear();
        Write(thread, place, bytes);
    }

    private static int[] Filled(int count)
    {
        var values = new int[count];
        Array.Fill(values, -1);
        return values;
    }

    private int Claim(int thread, ulong place, int count)
    {
        int at = Within(place, count, thread);
        for (int i = at; i < at + count; i++)
        {
            if (_isUnderWay[i])
            {
                throw new PtxFault($"Thread {thread} writes shared byte {i} while a copy to it is under way.");
            }

            if (_written[i] == Epoch && _writer[i] != thread)
            {
                throw new PtxFault($"Threads {_writer[i]} and {thread} write shared byte {i}: no barrier between them.");
            }

            if (_read[i] == Epoch && _reader[i] != thread)
            {
                string reader = _reader[i] == Many ? "others" : $"thread {_reader[i]}";
                throw new PtxFault($"Thread {thread} writes shared byte {i}, which {reader} read: no barrier between them.");
            }

            _writer[i] = thread;
            _written[i] = Epoch;
        }

        return at;
    }

    private int Within(ulong place, int count, int thread)
    {
        if (place + (ulong)count > (ulong)_memory.Length)
        {
            throw new PtxFault($"Thread {thread} touches shared bytes {(long)place} to {(long)place + count - 1} of {_memory.Length}.");
        }

        return place % (ulong)count == 0
            ? (int)place
            : throw new PtxFault($"Thread {thread} touches {count} shared bytes at {place}, which is no multiple of that.");
    }
}
