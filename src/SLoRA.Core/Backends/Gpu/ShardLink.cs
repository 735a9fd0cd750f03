using ILGPU;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// How one of several devices hands blocks of numbers to the others: memory to send from, two by turns, since others still take from the
/// one while the next is filled, and memory for what is taken. Each device has one of its own; all are made before any is used.
/// </summary>
/// <param name="device">The device.</param>
internal abstract class ShardLink(GpuDevice device) : IDisposable
{
    private readonly DeviceArena?[] _sent = new DeviceArena?[2];
    private DeviceArena? _received;
    private long _capacity;
    private bool _isDisposed;

    /// <summary>How blocks go from one device to another, for status.</summary>
    public abstract string Name { get; }

    /// <summary>The memory that others' blocks come into.</summary>
    public ArrayView<float> Received => _received!.All.Cast<float>();

    /// <summary>The device.</summary>
    protected GpuDevice Device => device;

    /// <summary>The memory that a turn's blocks are sent from.</summary>
    public ArrayView<float> Sent(int turn) => _sent[turn]!.All.Cast<float>();

    /// <summary>Makes room for so many numbers. Called between steps, when no other device takes anything.</summary>
    public void Reserve(long numbers)
    {
        if (numbers <= _capacity)
        {
            return;
        }

        device.Synchronize();
        FreeBlocks();
        for (int turn = 0; turn < _sent.Length; turn++)
        {
            _sent[turn] = new DeviceArena(device, numbers * sizeof(float), "what shards send each other");
        }

        _received = new DeviceArena(device, numbers * sizeof(float), "what shards send each other");
        _capacity = numbers;
        Resize(numbers);
    }

    /// <summary>
    /// Everything that is to be sent has been launched. What is launched afterwards runs beside the sending where the device can do that.
    /// </summary>
    /// <param name="turn">Whose turn it is.</param>
    /// <param name="numbers">How many numbers from the beginning on.</param>
    public abstract void Show(int turn, long numbers);

    /// <summary>All shards have shown: takes their blocks. What is launched behind it sees them.</summary>
    public abstract void Take(int turn, ReadOnlySpan<BlockMove> moves);

    /// <summary>Waits for whatever this device still does, until it is disposed of; does not throw.</summary>
    public void Drain()
    {
        if (!_isDisposed)
        {
            device.Drain(device.Stream);
            DrainCopies();
        }
    }

    /// <summary>Waits for copies on streams of the link's own.</summary>
    protected virtual void DrainCopies()
    {
    }

    /// <summary>Gives back what <see cref="Resize"/> and construction took.</summary>
    protected virtual void Free()
    {
    }

    /// <summary>Makes room for so many numbers elsewhere.</summary>
    protected virtual void Resize(long numbers)
    {
    }

    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            Free();
            FreeBlocks();
        }
    }

    private void FreeBlocks()
    {
        foreach (DeviceArena? arena in _sent)
        {
            arena?.Dispose();
        }

        _received?.Dispose();
        Array.Clear(_sent);
        _received = null;
        _capacity = 0;
    }
}
