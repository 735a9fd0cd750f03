using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// One backend's hold on a device: the stream that everything of a step runs on and the kernels loaded for it, over a
/// <see cref="SharedAccelerator"/>. Its operations throw what the driver answers as <see cref="GpuException"/>; freeing never throws.
/// </summary>
internal sealed unsafe class GpuDevice : IDisposable
{
    private readonly SharedAccelerator _shared;
    private readonly List<(MethodInfo Method, Kernel Kernel)> _kernels = [];
    private bool _disposed;

    private GpuDevice(SharedAccelerator shared)
    {
        _shared = shared;
        try
        {
            Stream = CreateStream();
        }
        catch
        {
            shared.Release();
            throw;
        }
    }

    /// <summary>ILGPU's device.</summary>
    public Accelerator Accelerator => _shared.Accelerator;

    /// <summary>The queue of the engine's steps.</summary>
    public AcceleratorStream Stream { get; }

    /// <summary>Driver and model, for messages: <c>CUDA device 0 (NVIDIA H100)</c>.</summary>
    public string Name => _shared.Name;

    /// <summary>Whether the word for generic addresses has to be defined away in the sources of kernels.</summary>
    public bool LacksGenericAddresses => _shared.LacksGenericAddresses;

    /// <summary>The device with its other users.</summary>
    public SharedAccelerator Shared => _shared;

    /// <summary>Opens the device that the options name, or joins its other users.</summary>
    /// <exception cref="GpuException">There is none, or it is too old.</exception>
    public static GpuDevice Open(GpuOptions options) => new(DeviceSelection.Acquire(options));

    /// <summary>Opens ILGPU's simulation on the processor, which runs one thread per thread of a group: for the smallest tests.</summary>
    public static GpuDevice OpenSimulation()
    {
        Context context = Create(builder => builder.CPU(new CPUDevice(32, KernelLoader.GroupSize / 32, 1)));
        Accelerator accelerator = context.GetCPUDevice(0).CreateCPUAccelerator(context);
        return new GpuDevice(new SharedAccelerator(context, accelerator, "ILGPU's simulation"));
    }

    /// <summary>
    /// A context with the settings that every kernel is compiled under, without devices of its own unless <paramref name="devices"/> adds
    /// some.
    /// </summary>
    /// <remarks>O1: at O2 ILGPU 1.5.3 moves loads from shared memory over barriers.</remarks>
    internal static Context Create(Action<Context.Builder> devices)
    {
        Context context = Context.Create(builder =>
        {
            devices(builder);
            builder.EnableAlgorithms().Optimize(OptimizationLevel.O1);
        });
        IntrinsicCode.Register(context);
        return context;
    }

    /// <summary>Makes the device the calling thread's. Everything else but launches does so itself.</summary>
    public void Bind()
    {
        try
        {
            _shared.Bind();
        }
        catch (AcceleratorException error)
        {
            throw Fault("a change of threads", error);
        }
    }

    /// <summary>A further queue, which waits for none of the others. <see cref="Free"/> takes it back.</summary>
    public AcceleratorStream CreateStream()
    {
        try
        {
            return _shared.Create(static accelerator => accelerator.CreateStream());
        }
        catch (Exception error) when (error is not GpuException)
        {
            throw Fault("the creation of a stream", error);
        }
    }

    /// <summary>Takes device memory.</summary>
    /// <exception cref="GpuException">The device does not have so much.</exception>
    public MemoryBuffer Allocate(long bytes, string purpose)
    {
        try
        {
            return _shared.Create(accelerator => accelerator.AllocateRaw(bytes, 1));
        }
        catch (Exception error) when (error is not GpuException)
        {
            throw Noted(GpuErrors.Allocation(Name, purpose, bytes, error));
        }
    }

    /// <summary>A loaded kernel, until the device is disposed.</summary>
    /// <param name="method">The kernel.</param>
    /// <param name="load">Loads it, where no earlier user of the device has left it.</param>
    public Kernel Take(MethodInfo method, Func<Accelerator, Kernel> load)
    {
        Kernel kernel = _shared.Take(method, load);
        _kernels.Add((method, kernel));
        return kernel;
    }

    /// <summary>Main memory → device, in the stream's order.</summary>
    public void Upload(void* source, ArrayView<byte> target) => Upload(Stream, source, target);

    /// <summary>Main memory → device, in the order of a stream.</summary>
    public void Upload(AcceleratorStream stream, void* source, ArrayView<byte> target)
    {
        try
        {
            _shared.Bind();
            DeviceCopies.Upload(stream, source, target);
        }
        catch (AcceleratorException error)
        {
            throw Fault($"an upload of {target.Length} bytes", error);
        }
    }

    /// <summary>Device → main memory, in the stream's order.</summary>
    public void Download(ArrayView<byte> source, void* target)
    {
        try
        {
            _shared.Bind();
            DeviceCopies.Download(Stream, source, target);
        }
        catch (AcceleratorException error)
        {
            throw Fault($"a download of {source.Length} bytes", error);
        }
    }

    /// <summary>Device → device, in the stream's order; the blocks do not overlap.</summary>
    public void Copy(ArrayView<byte> source, ArrayView<byte> target)
    {
        try
        {
            _shared.Bind();
            DeviceCopies.Copy(Stream, source, target);
        }
        catch (AcceleratorException error)
        {
            throw Fault($"a copy of {source.Length} bytes", error);
        }
    }

    /// <summary>Zeros → device, in the stream's order.</summary>
    public void Clear(ArrayView<byte> target)
    {
        try
        {
            _shared.Bind();
            DeviceCopies.Clear(Stream, target);
        }
        catch (AcceleratorException error)
        {
            throw Fault($"clearing {target.Length} bytes", error);
        }
    }

    /// <summary>Waits for everything that the stream was given.</summary>
    public void Synchronize() => Synchronize(Stream);

    /// <summary>Waits for everything that a stream was given.</summary>
    public void Synchronize(AcceleratorStream stream)
    {
        try
        {
            _shared.Bind();
            stream.Synchronize();
        }
        catch (AcceleratorException error)
        {
            throw Fault("work that was under way", error);
        }
    }

    /// <summary>What an error of the driver while the device was in use means. The device is not handed out again.</summary>
    public GpuException Fault(string what, Exception error)
    {
        _shared.MarkFaulted();
        return GpuErrors.Use(Name, what, error);
    }

    /// <summary>Frees an object of the accelerator.</summary>
    public void Free(AcceleratorObject item) => _shared.Free(item);

    /// <summary>Frees page-locked memory of the CUDA driver.</summary>
    public void FreeHost(nint address)
    {
        try
        {
            _shared.Bind();
            GpuErrors.ThrowIfFailed(CudaAPI.CurrentAPI.FreeHostMemory(address));
        }
        catch (AcceleratorException)
        {
            // The device has failed before; the memory goes with its context.
            _shared.MarkFaulted();
        }
    }

    /// <summary>Frees an event of the CUDA driver.</summary>
    public void FreeEvent(nint item)
    {
        try
        {
            _shared.Bind();
            GpuErrors.ThrowIfFailed(CudaAPI.CurrentAPI.DestroyEvent(item));
        }
        catch (AcceleratorException)
        {
            // As with memory.
            _shared.MarkFaulted();
        }
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        Drain(Stream);
        foreach ((MethodInfo method, Kernel kernel) in _kernels)
        {
            _shared.GiveBack(method, kernel);
        }

        _shared.Free(Stream);
        _shared.Release();
    }

    /// <summary>Waits for what a stream was given before memory that it uses is freed; says nothing of a device that fails.</summary>
    public void Drain(AcceleratorStream stream)
    {
        try
        {
            Synchronize(stream);
        }
        catch (GpuException)
        {
            // Nothing runs on a device that has failed.
        }
    }

    /// <summary>Notes an error that was made elsewhere: unless it is for want of memory, the device is not handed out again.</summary>
    public GpuException Noted(GpuException error)
    {
        if (error.Reason != GpuError.OutOfMemory)
        {
            _shared.MarkFaulted();
        }

        return error;
    }
}
