using ILGPU;
using ILGPU.Runtime.Cuda;
using SLoRA.Native;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// The pool in device memory. Writes are staged in page-locked memory and run in the order of the steps' stream, so that a step which
/// follows sees them; those beside the steps run on a stream of their own on CUDA, and like the others elsewhere; reads wait.
/// </summary>
internal sealed unsafe class GpuPageMemory : IPageMemory, IDisposable
{
    private readonly GpuDevice _device;
    private readonly DeviceArena _pool;
    private readonly HostBuffer _staging;
    private readonly CopyQueue? _beside;
    private readonly long[] _marks;
    private long _staged;
    private bool _isBehind;

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
            _beside = device.Accelerator is CudaAccelerator ? new CopyQueue(device) : null;
            _marks = _beside is null ? [] : new long[pageCount];
        }
        catch
        {
            _staging?.Dispose();
            _pool.Dispose();
            throw;
        }
    }

    public int PageCount { get; }

    public long PageBytes { get; }

    public bool IsMainMemory => false;

    /// <summary>The pool as fp32.</summary>
    public ArrayView<float> Floats => _pool.All.Cast<float>();

    /// <summary>The pool as 16-bit elements.</summary>
    public ArrayView<ushort> Halves => _pool.All.Cast<ushort>();

    /// <summary>The pool as words of four bytes: integers by the four, and their scales.</summary>
    public ArrayView<uint> Words => _pool.All.Cast<uint>();

    private static long StagingBytes => 4L << 20;

    public void Write(int page, long offset, ReadOnlySpan<byte> source)
    {
        ArrayView<byte> target = Slice(page, offset, source.Length);
        FinishWrites(page);
        _isBehind = true;
        for (int done = 0; done < source.Length;)
        {
            if (_staged == _staging.Bytes)
            {
                Drain();
                _isBehind = true;
            }

            int bytes = (int)Math.Min(source.Length - done, _staging.Bytes - _staged);
            source.Slice(done, bytes).CopyTo(_staging.Span<byte>(_staged, bytes));
            _device.Upload(_staging.Address + _staged, target.SubView(done, bytes));
            _staged += bytes;
            done += bytes;
        }
    }

    public long WriteBeside(int page, long offset, ReadOnlySpan<byte> source)
    {
        if (_beside is null)
        {
            Write(page, offset, source);
            return 0;
        }

        // Steps are waited for when they end. What the steps' stream was given since may concern an earlier use of the page.
        ArrayView<byte> target = Slice(page, offset, source.Length);
        Drain();
        return _marks[page] = _beside.Send(source, target);
    }

    public bool IsWritten(long mark) => _beside?.IsWritten(mark) ?? true;

    public void Settle() => _beside?.Settle();

    public NativeBlock AllocateMain(long bytes) => new(bytes);

    public void Read(int page, long offset, Span<byte> destination)
    {
        Drain();
        Slice(page, offset, destination.Length);
        FinishWrites(page);
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
        ArrayView<byte> from = Slice(source, 0, PageBytes);
        ArrayView<byte> to = Slice(destination, 0, PageBytes);
        FinishWrites(source);
        FinishWrites(destination);
        _isBehind = true;
        _device.Copy(from, to);
    }

    public void Clear(int page)
    {
        ArrayView<byte> target = Slice(page, 0, PageBytes);
        FinishWrites(page);
        _isBehind = true;
        _device.Clear(target);
    }

    /// <summary>The steps' stream has come behind all that it was given: its staging can be used again.</summary>
    /// <exception cref="GpuException">A copy beside the steps has failed while nobody could be told.</exception>
    public void Drained()
    {
        _staged = 0;
        _isBehind = false;
        _beside?.ThrowIfFailed();
    }

    public void Dispose()
    {
        _beside?.Dispose();
        _staging.Dispose();
        _pool.Dispose();
    }

    private void Drain()
    {
        if (_isBehind)
        {
            _device.Synchronize();
            _staged = 0;
            _isBehind = false;
        }
    }

    private void FinishWrites(int page)
    {
        if (_beside is not null && !_beside.IsWritten(_marks[page]))
        {
            _beside.Settle();
            _beside.ThrowIfFailed();
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
