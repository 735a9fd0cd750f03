using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// Main memory that copies to and from the device run from: page-locked where the driver has it, so that they run beside the host.
/// </summary>
internal sealed unsafe class HostBuffer : IDisposable
{
    private readonly GpuDevice _device;

    /// <summary>Takes memory.</summary>
    /// <exception cref="GpuException">There is not so much.</exception>
    public HostBuffer(GpuDevice device, long bytes)
    {
        _device = device;
        Bytes = bytes;
        if (device.Accelerator is CudaAccelerator)
        {
            device.Bind();
            CudaError error = CudaAPI.CurrentAPI.AllocateHostMemory(out nint address, (nint)bytes);
            if (error != CudaError.CUDA_SUCCESS)
            {
                throw device.Noted(GpuErrors.Allocation(device.Name, "page-locked main memory", bytes, new CudaException(error)));
            }

            Address = (byte*)address;
        }
        else
        {
            Address = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, DeviceArena.Alignment);
        }
    }

    /// <summary>Its bytes.</summary>
    public long Bytes { get; }

    /// <summary>Where it begins.</summary>
    public byte* Address { get; private set; }

    /// <summary>Elements from a byte on.</summary>
    public Span<T> Span<T>(long offset, int count)
        where T : unmanaged => new(Address + offset, count);

    public void Dispose()
    {
        if (Address is null)
        {
            return;
        }

        byte* address = Address;
        Address = null;
        if (_device.Accelerator is CudaAccelerator)
        {
            _device.FreeHost((nint)address);
        }
        else
        {
            NativeMemory.AlignedFree(address);
        }
    }
}
