using ILGPU;
using ILGPU.Runtime;

namespace SLoRA.Backends.Gpu;

/// <summary>One allocation of device memory that is handed out front to back and freed as a whole.</summary>
internal sealed class DeviceArena : IDisposable
{
    /// <summary>What every block's address is a multiple of, in bytes: ILGPU assumes it of all views that kernels are given.</summary>
    public const int Alignment = 256;

    private readonly MemoryBuffer _buffer;
    private readonly GpuDevice _device;
    private readonly string _purpose;
    private long _used;

    /// <summary>Takes device memory.</summary>
    /// <param name="device">Where.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="purpose">What for, for messages.</param>
    /// <exception cref="GpuException">The device does not have so much.</exception>
    public DeviceArena(GpuDevice device, long bytes, string purpose)
    {
        _device = device;
        _purpose = purpose;
        _buffer = device.Allocate(Math.Max(bytes, Alignment), purpose);
    }

    /// <summary>All bytes.</summary>
    public ArrayView<byte> All => new(_buffer, 0, _buffer.Length);

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
            throw new InvalidOperationException(
                $"The {_purpose} on {_device.Name} were to take {All.Length} bytes; now they are {begin + bytes}.");
        }

        return bytes == 0 ? default : All.SubView(begin, bytes).Cast<T>();
    }

    public void Dispose() => _device.Free(_buffer);
}
