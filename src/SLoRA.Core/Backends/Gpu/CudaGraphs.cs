using System.Runtime.InteropServices;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// Launches of a device's stream as CUDA graphs: captured from the stream, made ready, and brought to the device at once, so that memory
/// which is missing shows before the first launch.
/// </summary>
/// <remarks>Entry points: CUDA driver API, stream and graph management.</remarks>
internal sealed unsafe class CudaGraphs : ILaunchRecorder
{
    /// <summary>
    /// CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: what other threads do on the device, such as taking memory for another engine, does no harm.
    /// </summary>
    private const int ThreadLocal = 1;

    private readonly GpuDevice _device;
    private readonly nint _stream;
    private readonly delegate* unmanaged<nint, int, CudaError> _begin;
    private readonly delegate* unmanaged<nint, nint*, CudaError> _end;
    private readonly delegate* unmanaged<nint*, nint, ulong, CudaError> _instantiate;
    private readonly delegate* unmanaged<nint, nint, CudaError> _upload;
    private readonly delegate* unmanaged<nint, nint, CudaError> _launch;
    private readonly delegate* unmanaged<nint, CudaError> _free;
    private readonly delegate* unmanaged<nint, CudaError> _freeCaptured;

    private CudaGraphs(GpuDevice device, nint library)
    {
        _device = device;
        _stream = ((CudaStream)device.Stream).StreamPtr;
        _begin = (delegate* unmanaged<nint, int, CudaError>)Export(library, "cuStreamBeginCapture_v2");
        _end = (delegate* unmanaged<nint, nint*, CudaError>)Export(library, "cuStreamEndCapture");
        _instantiate = (delegate* unmanaged<nint*, nint, ulong, CudaError>)Export(library, "cuGraphInstantiateWithFlags");
        _upload = (delegate* unmanaged<nint, nint, CudaError>)Export(library, "cuGraphUpload");
        _launch = (delegate* unmanaged<nint, nint, CudaError>)Export(library, "cuGraphLaunch");
        _free = (delegate* unmanaged<nint, CudaError>)Export(library, "cuGraphExecDestroy");
        _freeCaptured = (delegate* unmanaged<nint, CudaError>)Export(library, "cuGraphDestroy");
    }

    private bool IsComplete => _begin is not null && _end is not null && _instantiate is not null && _upload is not null
        && _launch is not null && _free is not null && _freeCaptured is not null;

    /// <summary>Those of a device; null if it is none of CUDA's, or its driver is older than CUDA 11.4.</summary>
    public static CudaGraphs? Of(GpuDevice device)
    {
        if (device.Accelerator is not CudaAccelerator)
        {
            return null;
        }

        var graphs = new CudaGraphs(device, DriverLibraries.Load(NativeNames.Cuda));
        return graphs.IsComplete ? graphs : null;
    }

    public bool TryBegin() => _begin(_stream, ThreadLocal) == CudaError.CUDA_SUCCESS;

    public nint End()
    {
        nint captured;
        if (_end(_stream, &captured) != CudaError.CUDA_SUCCESS || captured == 0)
        {
            return 0;
        }

        nint graph;
        bool isReady = _instantiate(&graph, captured, 0) == CudaError.CUDA_SUCCESS;
        _ = _freeCaptured(captured);
        if (isReady && _upload(graph, _stream) != CudaError.CUDA_SUCCESS)
        {
            Free(graph);
            isReady = false;
        }

        return isReady ? graph : 0;
    }

    public void Launch(nint kept) => GpuErrors.ThrowIfFailed(_launch(kept, _stream));

    public void Free(nint kept)
    {
        try
        {
            _device.Shared.Bind();
            GpuErrors.ThrowIfFailed(_free(kept));
        }
        catch (AcceleratorException)
        {
            // The device has failed before; the graph goes with its context.
            _device.Shared.MarkFaulted();
        }
    }

    private static nint Export(nint library, string name) => NativeLibrary.TryGetExport(library, name, out nint address) ? address : 0;
}
