using ILGPU;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// The pool in device memory. Writes are staged in page-locked memory and run in the order of the steps' stream, so that a step which follows sees them;
/// reads wait.
/// </summary>
internal sealed unsafe class GpuPageMemory : IPageMemory, IDisposable
{
    private readonly GpuDevice _device;
    private readonly DeviceArena _pool;
    private readonly HostBuffer _staging;
    private long _staged;

    /// <summary>Takes the pool's memory, in one block.</summary>
    /// <exception cref="GpuException">The device does not have it.</exception>
    public GpuPageMemory(GpuDevice device, int pageCount, long pageBytes)
    {
        _device = device;
        PageCount = pageCount;
        PageBytes = pageBytes;
        _pool = new DeviceArena(device, pageCount * pageBytes, "the page pool");
        try
        {
            _staging = new HostBuffer(device, Math.Max(pageBytes, StagingBytes));
        }
        catch
        {
            _pool.Dispose();
            throw;
        }
    }

    public int PageCount { get; }

    public long PageBytes { get; }

    /// <summary>The pool as fp32.</summary>
    public ArrayView<float> Floats => _pool.All.Cast<float>();

    /// <summary>The pool as 16-bit elements.</summary>
    public ArrayView<ushort> Halves => _pool.All.Cast<ushort>();

    private static long StagingBytes => 4L << 20;

    public void Write(int page, long offset, ReadOnlySpan<byte> source)
    {
        ArrayView<byte> target = Slice(page, offset, source.Length);
        for (int done = 0; done < source.Length;)
        {
            if (_staged == _staging.Bytes)
            {
                Drain();
            }

            int bytes = (int)Math.Min(source.Length - done, _staging.Bytes - _staged);
            source.Slice(done, bytes).CopyTo(_staging.Span<byte>(_staged, bytes));
            _device.Upload(_staging.Address + _staged, target.SubView(done, bytes));
            _staged += bytes;
            done += bytes;
        }
    }

    public void Read(int page, long offset, Span<byte> destination)
    {
        Drain();
        for (int done = 0; done < destination.Length;)
        {
            int bytes = (int)Math.Min(destination.Length - done, _staging.Bytes);
            _device.Download(Slice(page, offset + done, bytes), _staging.Address);
            _device.Synchronize();
            _staging.Span<byte>(0, bytes).CopyTo(destination.Slice(done, bytes));
            done += bytes;
        }
    }

    public void Copy(int source, int destination)
    {
        _device.Copy(Slice(source, 0, PageBytes), Slice(destination, 0, PageBytes));
    }

    /// <summary>The stream has come behind all writes: their staging can be used again.</summary>
    public void Drained() => _staged = 0;

    public void Dispose()
    {
        _staging.Dispose();
        _pool.Dispose();
    }

    private void Drain()
    {
        if (_staged > 0)
        {
            _device.Synchronize();
            _staged = 0;
        }
    }

    private ArrayView<byte> Slice(int page, long offset, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(page);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(page, PageCount);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + bytes, PageBytes);
        return _pool.All.SubView((page * PageBytes) + offset, bytes);
    }
}
