using ILGPU;
using ILGPU.Runtime;

namespace SLoRA.Backends.Gpu;

/// <summary>One allocation of device memory that is handed out front to back and freed as a whole.</summary>
internal sealed class DeviceArena : IDisposable
{
    /// <summary>What every block's address is a multiple of, in bytes: ILGPU assumes it of all views that kernels are given.</summary>
    public const int Alignment = 256;

    private readonly MemoryBuffer1D<byte, Stride1D.Dense> _buffer;
    private readonly string _device;
    private readonly string _purpose;
    private long _used;

    /// <summary>Takes device memory.</summary>
    /// <param name="device">Where.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="purpose">What for, for messages.</param>
    /// <exception cref="GpuException">The device does not have so much.</exception>
    public DeviceArena(GpuDevice device, long bytes, string purpose)
    {
        _device = device.Name;
        _purpose = purpose;
        try
        {
            _buffer = device.Accelerator.Allocate1D<byte>(Math.Max(bytes, Alignment));
        }
        catch (Exception error) when (error is not GpuException)
        {
            throw GpuErrors.Allocation(device.Name, purpose, bytes, error);
        }
    }

    /// <summary>All bytes.</summary>
    public ArrayView<byte> All => _buffer.View.BaseView;

    /// <summary>Bytes that a block of <paramref name="bytes"/> takes.</summary>
    public static long Rounded(long bytes) => (bytes + Alignment - 1) & -Alignment;

    /// <summary>Hands out the next block.</summary>
    public ArrayView<T> Take<T>(long elements)
        where T : unmanaged
    {
        long bytes = elements * Interop.SizeOf<T>();
        long begin = _used;
        _used += Rounded(bytes);
        if (begin + bytes > All.Length)
        {
            throw new InvalidOperationException($"The {_purpose} on {_device} were to take {All.Length} bytes; now they are {begin + bytes}.");
        }

        return bytes == 0 ? default : All.SubView(begin, bytes).Cast<T>();
    }

    public void Dispose() => _buffer.Dispose();
}
