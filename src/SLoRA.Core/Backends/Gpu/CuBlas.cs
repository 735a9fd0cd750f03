using System.Runtime.InteropServices;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// NVIDIA's cuBLAS on one stream: a handle, its workspace, and the one product that the model needs. The library is searched for in the
/// folder <c>CUBLAS_LIB_DIR</c>, then where the loader looks; it comes with the CUDA toolkit, not with the driver.
/// </summary>
/// <remarks>Entry points and values: cuBLAS documentation, cublasGemmEx, cublasComputeType_t and cudaDataType_t.</remarks>
internal sealed unsafe class CuBlas : IDisposable
{
    private const string FolderVariable = "CUBLAS_LIB_DIR";
    private const long WorkspaceBytes = 32L << 20;
    private const int Transposed = 1;
    private const int NotTransposed = 0;
    private const int Compute32F = 68;
    private const int DefaultAlgorithm = -1;
    private const int AllocationFailed = 3;

    private readonly GpuDevice _device;
    private readonly DeviceArena _workspace;
    private readonly delegate* unmanaged<nint, int> _destroy;
    private readonly delegate* unmanaged<
        nint, int, int, int, int, int, void*, nint, int, int, nint, int, int, void*, nint, int, int, int, int, int> _gemm;
    private nint _handle;

    /// <summary>Loads the library, and creates a handle on the device's stream.</summary>
    /// <exception cref="GpuException">The device is not a CUDA device, the library is not found, or it refuses the device.</exception>
    public CuBlas(GpuDevice device)
    {
        _device = device;
        if (device.Stream is not CudaStream stream)
        {
            throw new GpuException(GpuError.Unsupported, $"Products is CuBlas, which {device.Name} cannot do: cuBLAS needs CUDA.");
        }

        nint library = Load();
        var create = (delegate* unmanaged<nint*, int>)Export(library, "cublasCreate_v2");
        var setStream = (delegate* unmanaged<nint, nint, int>)Export(library, "cublasSetStream_v2");
        var setWorkspace = (delegate* unmanaged<nint, nint, nuint, int>)Export(library, "cublasSetWorkspace_v2");
        _destroy = (delegate* unmanaged<nint, int>)Export(library, "cublasDestroy_v2");
        _gemm = (delegate* unmanaged<
            nint, int, int, int, int, int, void*, nint, int, int, nint, int, int, void*, nint, int, int, int, int, int>)
            Export(library, "cublasGemmEx");
        _workspace = new DeviceArena(device, WorkspaceBytes, "the workspace of cuBLAS");
        try
        {
            device.Bind();
            nint handle;
            Check(create(&handle), "cublasCreate");
            _handle = handle;
            Check(setStream(handle, stream.StreamPtr), "cublasSetStream");

            // Behind the stream: setting that takes back the workspace.
            Check(setWorkspace(handle, _workspace.All.LoadEffectiveAddressAsPtr(), (nuint)WorkspaceBytes), "cublasSetWorkspace");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Element types as cudaDataType_t has them.</summary>
    public enum DataType
    {
        /// <summary>fp32.</summary>
        F32 = 0,

        /// <summary>f16.</summary>
        F16 = 2,

        /// <summary>bfloat16.</summary>
        BF16 = 14,
    }

    /// <summary>
    /// <c>y[t, n] = Σ x[t, k] W[n, k]</c>, all row-major: x [T, K] and W [N, K] of one type, y fp32 with rows of <paramref name="pitch"/>
    /// elements, sums in fp32. For cuBLAS, which counts columns first, these are Wᵀ transposed, x and y as they lie. Allocates nothing.
    /// </summary>
    public void Multiply(DataType type, nint x, nint weight, nint y, int rows, int inputs, int outputs, int pitch)
    {
        float one = 1;
        float zero = 0;
        int status = _gemm(
            _handle, Transposed, NotTransposed, outputs, rows, inputs, &one, weight, (int)type, inputs, x, (int)type, inputs, &zero,
            y, (int)DataType.F32, pitch, Compute32F, DefaultAlgorithm);
        if (status != 0)
        {
            throw _device.Fault("cublasGemmEx", new InvalidOperationException($"status {status}"));
        }
    }

    public void Dispose()
    {
        if (_handle != 0)
        {
            nint handle = _handle;
            _handle = 0;
            try
            {
                _device.Bind();
                _ = _destroy(handle);
            }
            catch (GpuException)
            {
                // The handle goes with the context of the device, which has failed.
            }
        }

        _workspace.Dispose();
    }

    private static nint Load() => DriverLibraries.Load(NativeNames.CuBlas, FolderVariable, out string tried) is var library and not 0
        ? library
        : throw new GpuException(
            GpuError.Unsupported, $"Products is CuBlas, but cuBLAS is not found (tried {tried}); {FolderVariable} can name its folder.");

    private static nint Export(nint library, string name) => NativeLibrary.TryGetExport(library, name, out nint address)
        ? address
        : throw new GpuException(GpuError.Unsupported, $"Products is CuBlas, but the cuBLAS that is installed has no {name}.");

    private void Check(int status, string entryPoint)
    {
        if (status != 0)
        {
            throw _device.Noted(new GpuException(
                status == AllocationFailed ? GpuError.OutOfMemory : GpuError.Unsupported,
                $"cuBLAS refuses {_device.Name}: {entryPoint} gave status {status}."));
        }
    }
}
