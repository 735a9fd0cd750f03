using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// The context of a device that CUDA's runtime uses, and with it every library over that, such as NCCL, with a stream and memory there.
/// ILGPU's context is another one, whose memory cannot be seen here: bytes are copied from the one to the other on the device.
/// </summary>
/// <remarks>Entry points: CUDA driver API, primary context management.</remarks>
internal sealed unsafe class PrimaryContext : IDisposable
{
    private const uint NonBlocking = 1;

    private readonly GpuDevice _device;
    private readonly delegate* unmanaged<nint, CudaError> _push;
    private readonly delegate* unmanaged<nint*, CudaError> _pop;
    private readonly delegate* unmanaged<int, CudaError> _release;
    private readonly delegate* unmanaged<nint*, nuint, CudaError> _allocate;
    private readonly delegate* unmanaged<nint, CudaError> _free;
    private readonly delegate* unmanaged<nint, CudaError> _destroyStream;
    private readonly delegate* unmanaged<nint, CudaError> _synchronize;
    private bool _isDisposed;

    /// <summary>Makes the context of a device last, and takes a stream in it.</summary>
    /// <exception cref="GpuException">The driver refuses.</exception>
    public PrimaryContext(GpuDevice device)
    {
        _device = device;
        Number = ((CudaAccelerator)device.Accelerator).DeviceId;
        nint library = DriverLibraries.Load(NativeNames.Cuda);
        _push = (delegate* unmanaged<nint, CudaError>)Export(library, "cuCtxPushCurrent_v2");
        _pop = (delegate* unmanaged<nint*, CudaError>)Export(library, "cuCtxPopCurrent_v2");
        _release = (delegate* unmanaged<int, CudaError>)Export(library, "cuDevicePrimaryCtxRelease_v2");
        _allocate = (delegate* unmanaged<nint*, nuint, CudaError>)Export(library, "cuMemAlloc_v2");
        _free = (delegate* unmanaged<nint, CudaError>)Export(library, "cuMemFree_v2");
        _destroyStream = (delegate* unmanaged<nint, CudaError>)Export(library, "cuStreamDestroy_v2");
        _synchronize = (delegate* unmanaged<nint, CudaError>)Export(library, "cuStreamSynchronize");
        var retain = (delegate* unmanaged<nint*, int, CudaError>)Export(library, "cuDevicePrimaryCtxRetain");
        var createStream = (delegate* unmanaged<nint*, uint, CudaError>)Export(library, "cuStreamCreate");
        nint context;
        Check(retain(&context, Number), "taking the runtime's context");
        Handle = context;
        try
        {
            Enter();
            nint stream;
            CudaError answer = createStream(&stream, NonBlocking);
            Leave();
            Check(answer, "the creation of a stream");
            Stream = stream;
        }
        catch
        {
            _ = _release(Number);
            throw;
        }
    }

    /// <summary>The device, as the driver counts them.</summary>
    public int Number { get; }

    /// <summary>The context.</summary>
    public nint Handle { get; }

    /// <summary>Its stream.</summary>
    public nint Stream { get; }

    /// <summary>Makes it the calling thread's until <see cref="Leave"/>.</summary>
    /// <exception cref="GpuException">The device has failed.</exception>
    public void Enter() => Check(_push(Handle), "a change of contexts");

    /// <summary>The same; false if the device has failed.</summary>
    public bool TryEnter() => _push(Handle) == CudaError.CUDA_SUCCESS;

    /// <summary>Makes the calling thread's what it was before, whatever has been made current since; does not throw.</summary>
    public void Leave()
    {
        nint left;
        _ = _pop(&left);
    }

    /// <summary>Takes memory.</summary>
    /// <exception cref="GpuException">The device does not have so much.</exception>
    public nint Allocate(long bytes, string purpose)
    {
        nint address;
        Enter();
        CudaError answer = _allocate(&address, (nuint)bytes);
        Leave();
        return answer == CudaError.CUDA_SUCCESS
            ? address
            : throw _device.Noted(GpuErrors.Allocation(_device.Name, purpose, bytes, new CudaException(answer)));
    }

    /// <summary>Gives memory back, if it is any; does not throw.</summary>
    public void Free(nint address)
    {
        if (address != 0 && TryEnter())
        {
            _ = _free(address);
            Leave();
        }
    }

    /// <summary>Waits for everything that the stream was given.</summary>
    /// <exception cref="GpuException">The device has failed.</exception>
    public void Synchronize()
    {
        Enter();
        CudaError answer = _synchronize(Stream);
        Leave();
        Check(answer, "work that was under way");
    }

    /// <summary>The same, and says nothing of a device that fails.</summary>
    public void Drain()
    {
        if (TryEnter())
        {
            _ = _synchronize(Stream);
            Leave();
        }
    }

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        if (TryEnter())
        {
            _ = _destroyStream(Stream);
            Leave();
        }

        _ = _release(Number);
    }

    private static nint Export(nint library, string name) => NativeLibrary.TryGetExport(library, name, out nint address)
        ? address
        : throw new GpuException(GpuError.DriverTooOld, $"Exchange is Nccl, but NVIDIA's driver here has no {name}.");

    private void Check(CudaError answer, string what)
    {
        if (answer != CudaError.CUDA_SUCCESS)
        {
            throw _device.Fault(what, new CudaException(answer));
        }
    }
}
