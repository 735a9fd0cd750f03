using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// Copies to the device on a stream beside that of the steps, CUDA only. They are staged in a ring of page-locked blocks, each with an
/// event behind its last copy; a block is used again when its event was reached, which only a full ring waits for. Belongs to the engine's
/// thread.
/// </summary>
internal sealed unsafe class CopyQueue : IDisposable
{
    /// <summary>Blocks of the ring.</summary>
    public const int Blocks = 4;

    /// <summary>Bytes of a block.</summary>
    public const int BlockBytes = 1 << 20;

    private readonly GpuDevice _device;
    private readonly nint[] _events = new nint[Blocks];
    private readonly AcceleratorStream? _stream;
    private readonly HostBuffer? _staging;
    private GpuException? _failure;

    // Blocks are counted from 1 for ever; the ring has the last few of them. Up to _copied all copies have ended.
    private long _block;
    private long _copied;
    private int _filled = BlockBytes;

    /// <summary>Takes stream, events and staging.</summary>
    /// <exception cref="GpuException">The driver does not give them.</exception>
    public CopyQueue(GpuDevice device)
    {
        _device = device;
        try
        {
            _stream = device.CreateStream();
            _staging = new HostBuffer(device, Blocks * BlockBytes);
            for (int i = 0; i < Blocks; i++)
            {
                device.Bind();
                Check("the creation of an event", CudaAPI.CurrentAPI.CreateEvent(out _events[i], CudaEventFlags.CU_EVENT_DISABLE_TIMING));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Copies bytes, which are free on return.</summary>
    /// <returns>The mark that is written with them.</returns>
    public long Send(ReadOnlySpan<byte> source, ArrayView<byte> target)
    {
        ThrowIfFailed();
        for (int done = 0; done < source.Length;)
        {
            if (_filled == BlockBytes)
            {
                TakeBlock();
            }

            int bytes = Math.Min(source.Length - done, BlockBytes - _filled);
            long staged = (_block % Blocks * BlockBytes) + _filled;
            source.Slice(done, bytes).CopyTo(_staging!.Span<byte>(staged, bytes));
            _filled += bytes;

            // The block may have been copied as far as it was filled.
            _copied = Math.Min(_copied, _block - 1);
            _device.Upload(_stream!, _staging.Address + staged, target.SubView(done, bytes));
            Check("an event behind a copy", CudaAPI.CurrentAPI.RecordEvent(EventOf(_block), ((CudaStream)_stream!).StreamPtr));
            done += bytes;
        }

        return _block;
    }

    /// <summary>Whether all bytes up to a mark are in their pages. Does not wait.</summary>
    public bool IsWritten(long mark)
    {
        ThrowIfFailed();
        if (mark <= _copied)
        {
            return true;
        }

        _device.Bind();
        CudaError state = CudaAPI.CurrentAPI.QueryEvent(EventOf(mark));
        if (state == CudaError.CUDA_ERROR_NOT_READY)
        {
            return false;
        }

        Check("a copy into pages", state);
        _copied = mark;
        return true;
    }

    /// <summary>Waits until all marks are written. Does not throw: see <see cref="ThrowIfFailed"/>.</summary>
    public void Settle()
    {
        try
        {
            Wait(_block);
        }
        catch (GpuException error)
        {
            // Nothing runs on a device that has failed.
            _failure ??= error;
        }
    }

    /// <summary>Throws what <see cref="Settle"/> met.</summary>
    public void ThrowIfFailed()
    {
        if (_failure is not null)
        {
            throw _failure;
        }
    }

    public void Dispose()
    {
        if (_stream is not null)
        {
            // Not by its events: the last one may have failed.
            _device.Drain(_stream);
        }

        foreach (nint item in _events)
        {
            if (item != 0)
            {
                _device.FreeEvent(item);
            }
        }

        Array.Clear(_events);
        if (_stream is not null)
        {
            _device.Free(_stream);
        }

        _staging?.Dispose();
    }

    private void TakeBlock()
    {
        Wait(_block + 1 - Blocks);
        _block++;
        _filled = 0;
    }

    private void Wait(long mark)
    {
        if (mark > _copied)
        {
            _device.Bind();
            Check("a copy into pages", CudaAPI.CurrentAPI.SynchronizeEvent(EventOf(mark)));
            _copied = mark;
        }
    }

    private nint EventOf(long block) => _events[block % Blocks];

    private void Check(string what, CudaError answer)
    {
        if (answer != CudaError.CUDA_SUCCESS)
        {
            throw _device.Fault(what, new CudaException(answer));
        }
    }
}
