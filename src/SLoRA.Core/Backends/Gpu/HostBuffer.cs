using System.Runtime.InteropServices;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace SLoRA.Backends.Gpu;

/// <summary>Main memory that copies to and from the device run from: page-locked where the driver has it, so that they run beside the host.</summary>
internal sealed unsafe class HostBuffer : IDisposable
{
    private readonly Accelerator _accelerator;

    /// <summary>Takes memory.</summary>
    public HostBuffer(GpuDevice device, long bytes)
    {
        _accelerator = device.Accelerator;
        Bytes = bytes;
        if (_accelerator is CudaAccelerator)
        {
            _accelerator.Bind();
            try
            {
                GpuErrors.ThrowIfFailed(CudaAPI.CurrentAPI.AllocateHostMemory(out nint address, (nint)bytes));
                Address = (byte*)address;
            }
            catch (CudaException error)
            {
                throw GpuErrors.Allocation(device.Name, "page-locked main memory", bytes, error);
            }
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

        if (_accelerator is CudaAccelerator)
        {
            _accelerator.Bind();
            CudaAPI.CurrentAPI.FreeHostMemory((nint)Address);
        }
        else
        {
            NativeMemory.AlignedFree(Address);
        }

        Address = null;
    }
}
