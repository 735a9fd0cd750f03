using System.Runtime.InteropServices;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace SLoRA.Backends.Gpu;

/// <summary>What several devices need of the CUDA driver and ILGPU does not have: copies between contexts, and streams that wait.</summary>
/// <remarks>Entry points: CUDA driver API, peer context memory access and event management.</remarks>
internal sealed unsafe class CudaPeers
{
    private const int AlreadyEnabled = 704;

    private readonly delegate* unmanaged<int*, int, int, CudaError> _canAccess;
    private readonly delegate* unmanaged<nint, uint, CudaError> _enable;
    private readonly delegate* unmanaged<nint, nint, nint, nint, nuint, nint, CudaError> _copy;
    private readonly delegate* unmanaged<nint, nint, uint, CudaError> _wait;

    /// <summary>Finds the entry points, which every driver that is new enough has.</summary>
    /// <exception cref="GpuException">The driver lacks one.</exception>
    public CudaPeers()
    {
        nint library = DriverLibraries.Load(NativeNames.Cuda);
        _canAccess = (delegate* unmanaged<int*, int, int, CudaError>)Export(library, "cuDeviceCanAccessPeer");
        _enable = (delegate* unmanaged<nint, uint, CudaError>)Export(library, "cuCtxEnablePeerAccess");
        _copy = (delegate* unmanaged<nint, nint, nint, nint, nuint, nint, CudaError>)Export(library, "cuMemcpyPeerAsync");
        _wait = (delegate* unmanaged<nint, nint, uint, CudaError>)Export(library, "cuStreamWaitEvent");
    }

    /// <summary>Lets a device reach into another's memory; false if it cannot.</summary>
    public bool Reach(GpuDevice device, GpuDevice peer)
    {
        int can = 0;
        device.Bind();
        CudaError asked = _canAccess(&can, Cuda(device).DeviceId, Cuda(peer).DeviceId);
        if (asked != CudaError.CUDA_SUCCESS || can == 0)
        {
            return false;
        }

        CudaError enabled = _enable(peer.Accelerator.NativePtr, 0);
        return enabled == CudaError.CUDA_SUCCESS || (int)enabled == AlreadyEnabled;
    }

    /// <summary>Copies bytes from a device that <paramref name="device"/>, the calling thread's, can reach.</summary>
    public void Copy(GpuDevice device, nint target, GpuDevice peer, nint source, long bytes, AcceleratorStream stream) =>
        Copy(device, target, device.Accelerator.NativePtr, source, peer.Accelerator.NativePtr, bytes, Pointer(stream));

    /// <summary>Copies bytes from one context to another, which may be the same device's, on a stream of the calling thread's.</summary>
    public void Copy(GpuDevice device, nint target, nint targetContext, nint source, nint sourceContext, long bytes, nint stream) =>
        Check(device, "a copy between contexts", _copy(target, targetContext, source, sourceContext, (nuint)bytes, stream));

    /// <summary>What follows on a stream of the calling thread's device waits for an event, of whatever device.</summary>
    public void Wait(GpuDevice device, AcceleratorStream stream, nint item) => Wait(device, Pointer(stream), item);

    /// <summary>The same on a stream of the calling thread's context.</summary>
    public void Wait(GpuDevice device, nint stream, nint item) =>
        Check(device, "a wait for another stream", _wait(stream, item, 0));

    /// <summary>An event on the calling thread's device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="timed">Whether it tells the time.</param>
    public static nint CreateEvent(GpuDevice device, bool timed = false)
    {
        CudaEventFlags flags = timed ? CudaEventFlags.CU_EVENT_DEFAULT : CudaEventFlags.CU_EVENT_DISABLE_TIMING;
        Check(device, "the creation of an event", CudaAPI.CurrentAPI.CreateEvent(out nint created, flags));
        return created;
    }

    /// <summary>Records an event behind what a stream of the calling thread's device has been given.</summary>
    public static void Record(GpuDevice device, AcceleratorStream stream, nint item) => Record(device, Pointer(stream), item);

    /// <summary>The same on a stream of the calling thread's context.</summary>
    public static void Record(GpuDevice device, nint stream, nint item) =>
        Check(device, "an event", CudaAPI.CurrentAPI.RecordEvent(item, stream));

    private static CudaAccelerator Cuda(GpuDevice device) => (CudaAccelerator)device.Accelerator;

    private static nint Pointer(AcceleratorStream stream) => ((CudaStream)stream).StreamPtr;

    private static nint Export(nint library, string name) => NativeLibrary.TryGetExport(library, name, out nint address)
        ? address
        : throw new GpuException(GpuError.DriverTooOld, $"Several devices share a model, but NVIDIA's driver here has no {name}.");

    private static void Check(GpuDevice device, string what, CudaError answer)
    {
        if (answer != CudaError.CUDA_SUCCESS)
        {
            throw device.Fault(what, new CudaException(answer));
        }
    }
}
