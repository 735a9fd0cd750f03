using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// Copies between main memory and the device in the order of a stream, straight through the driver: ILGPU's own copies of parts of a buffer
/// copy the whole of it on OpenCL, and those from plain addresses allocate. The main memory must stay until the stream has come that far.
/// </summary>
internal static unsafe class DeviceCopies
{
    /// <summary>Main memory → device.</summary>
    public static void Upload(AcceleratorStream stream, void* source, ArrayView<byte> target)
    {
        if (target.Length == 0)
        {
            return;
        }

        switch (stream)
        {
            case CudaStream:
                GpuErrors.ThrowIfFailed(
                    CudaAPI.CurrentAPI.MemcpyAsync(target.LoadEffectiveAddressAsPtr(), (nint)source, (nint)target.Length, stream));
                break;
            case CLStream:
                GpuErrors.ThrowIfFailed(
                    CLAPI.CurrentAPI.WriteBuffer(stream, BufferOf(target), false, OffsetOf(target), (nint)target.Length, (nint)source));
                break;
            default:
                stream.Synchronize();
                Buffer.MemoryCopy(source, (void*)target.LoadEffectiveAddressAsPtr(), target.Length, target.Length);
                break;
        }
    }

    /// <summary>Device → main memory.</summary>
    public static void Download(AcceleratorStream stream, ArrayView<byte> source, void* target)
    {
        if (source.Length == 0)
        {
            return;
        }

        switch (stream)
        {
            case CudaStream:
                GpuErrors.ThrowIfFailed(
                    CudaAPI.CurrentAPI.MemcpyAsync((nint)target, source.LoadEffectiveAddressAsPtr(), (nint)source.Length, stream));
                break;
            case CLStream:
                GpuErrors.ThrowIfFailed(
                    CLAPI.CurrentAPI.ReadBuffer(stream, BufferOf(source), false, OffsetOf(source), (nint)source.Length, (nint)target));
                break;
            default:
                stream.Synchronize();
                Buffer.MemoryCopy((void*)source.LoadEffectiveAddressAsPtr(), target, source.Length, source.Length);
                break;
        }
    }

    /// <summary>Device → device; the blocks do not overlap.</summary>
    public static void Copy(AcceleratorStream stream, ArrayView<byte> source, ArrayView<byte> target)
    {
        switch (stream)
        {
            case CudaStream:
                GpuErrors.ThrowIfFailed(
                    CudaAPI.CurrentAPI.MemcpyAsync(
                        target.LoadEffectiveAddressAsPtr(), source.LoadEffectiveAddressAsPtr(), (nint)source.Length, stream));
                break;
            case CLStream:
                GpuErrors.ThrowIfFailed(CLAPI.CurrentAPI.CopyBuffer(
                    stream, BufferOf(source), BufferOf(target), OffsetOf(source), OffsetOf(target), (nint)source.Length));
                break;
            default:
                stream.Synchronize();
                Buffer.MemoryCopy(
                    (void*)source.LoadEffectiveAddressAsPtr(), (void*)target.LoadEffectiveAddressAsPtr(), target.Length, source.Length);
                break;
        }
    }

    /// <summary>Zeros → device.</summary>
    public static void Clear(AcceleratorStream stream, ArrayView<byte> target)
    {
        switch (stream)
        {
            case CudaStream cuda:
                CudaMemoryBuffer.CudaMemSet(cuda, 0, target);
                break;
            case CLStream:
                GpuErrors.ThrowIfFailed(
                    CLAPI.CurrentAPI.FillBuffer(stream, BufferOf(target), (byte)0, OffsetOf(target), (nint)target.Length));
                break;
            default:
                stream.Synchronize();
                NativeMemory.Clear((void*)target.LoadEffectiveAddressAsPtr(), (nuint)target.Length);
                break;
        }
    }

    // The view's own members are reached through its interface; a type parameter keeps it from being boxed.
    private static nint OffsetOf<TView>(TView view)
        where TView : struct, IContiguousArrayView => (nint)(view.Index * view.ElementSize);

    private static nint BufferOf<TView>(TView view)
        where TView : struct, IContiguousArrayView => view.Buffer.NativePtr;
}
