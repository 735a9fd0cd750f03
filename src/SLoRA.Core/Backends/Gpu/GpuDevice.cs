using System.Collections.Immutable;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace SLoRA.Backends.Gpu;

/// <summary>One opened device: ILGPU's context, accelerator and the stream that everything of a step runs on.</summary>
internal sealed class GpuDevice : IDisposable
{
    /// <summary>The oldest CUDA driver whose PTX dialect holds all instructions of the kernels: that of CUDA 11.0, made for compute capability 8.0.</summary>
    private static readonly CudaDriverVersion _oldestDriver = CudaDriverVersion.FromMajorMinor(11, 0);

    private readonly Context _context;

    private GpuDevice(Context context, Accelerator accelerator, string name)
    {
        _context = context;
        Accelerator = accelerator;
        Name = name;
        Stream = accelerator.CreateStream();
    }

    /// <summary>ILGPU's device.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>The queue of the engine's steps.</summary>
    public AcceleratorStream Stream { get; }

    /// <summary>Driver and model, for messages: <c>CUDA device 0 (NVIDIA H100)</c>.</summary>
    public string Name { get; }

    /// <summary>Whether the word for generic addresses has to be defined away in the sources of kernels.</summary>
    public bool LacksGenericAddresses { get; private set; }

    /// <summary>Opens the device that the options name.</summary>
    /// <exception cref="GpuException">There is none, or it is too old.</exception>
    public static GpuDevice Open(GpuOptions options)
    {
        DriverLibraries.Resolve();
        return options.Driver switch
        {
            GpuDriver.Cuda => OpenCuda(options.Device),
            GpuDriver.OpenCL => OpenOpenCL(options.Device),
            _ => OpenAny(options.Device),
        };
    }

    /// <summary>Opens ILGPU's simulation on the processor, which runs one thread per thread of a group: for the smallest tests.</summary>
    public static GpuDevice OpenSimulation()
    {
        Context context = Create(builder => builder.CPU(new CPUDevice(32, KernelLoader.GroupSize / 32, 1)));
        return new GpuDevice(context, context.GetCPUDevice(0).CreateCPUAccelerator(context), "ILGPU's simulation");
    }

    /// <summary>A context with the settings that every kernel is compiled under, without devices of its own unless <paramref name="devices"/> adds some.</summary>
    /// <remarks>O1: at O2 ILGPU 1.5.3 moves loads from shared memory over barriers.</remarks>
    internal static Context Create(Action<Context.Builder> devices) => Context.Create(builder =>
    {
        devices(builder);
        builder.EnableAlgorithms().Optimize(OptimizationLevel.O1);
    });

    public void Dispose()
    {
        Stream.Dispose();
        Accelerator.Dispose();
        _context.Dispose();
    }

    private static GpuDevice OpenAny(int device)
    {
        try
        {
            return OpenCuda(device);
        }
        catch (GpuException cuda) when (cuda.Reason is GpuError.NoDriver or GpuError.NoDevice)
        {
            try
            {
                return OpenOpenCL(device);
            }
            catch (GpuException openCL) when (openCL.Reason is GpuError.NoDriver or GpuError.NoDevice)
            {
                throw new GpuException(GpuError.NoDevice, $"There is no GPU device. {cuda.Message} {openCL.Message}");
            }
        }
    }

    private static GpuDevice OpenCuda(int index)
    {
        if (!DriverLibraries.HasCuda())
        {
            throw new GpuException(GpuError.NoDriver, "NVIDIA's driver is not installed (no libcuda.so.1 or nvcuda.dll).");
        }

        Context context = Create(static builder => builder.Cuda(static _ => true));
        try
        {
            ImmutableArray<CudaDevice> devices = [.. context.GetCudaDevices()];
            CudaDevice device = Pick(devices, index, "CUDA");
            string name = $"CUDA device {index} ({device.Name})";
            if (device.DriverVersion < _oldestDriver)
            {
                throw new GpuException(
                    GpuError.DriverTooOld, $"{name} has a driver for CUDA {device.DriverVersion}; the kernels need one for {_oldestDriver} or newer.");
            }

            if (device.Architecture is { } architecture && architecture < CudaArchitecture.SM_70)
            {
                throw new GpuException(GpuError.DriverTooOld, $"{name} has compute capability {architecture}; the kernels need 7.0 or newer.");
            }

            return Start(context, name, () => device.CreateCudaAccelerator(context));
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    private static GpuDevice OpenOpenCL(int index)
    {
        if (!DriverLibraries.HasOpenCL())
        {
            throw new GpuException(GpuError.NoDriver, "OpenCL is not installed (no libOpenCL.so.1 or OpenCL.dll).");
        }

        Context context = Create(static builder => builder.OpenCL(static _ => true));
        try
        {
            ImmutableArray<CLDevice> devices = [.. context.GetCLDevices()];
            CLDevice device = Pick(devices, index, "OpenCL");
            bool lacksGenericAddresses = AllowMissingGenericAddresses(device);
            GpuDevice opened = Start(context, $"OpenCL device {index} ({device.Name.Trim()})", () => device.CreateCLAccelerator(context));
            opened.LacksGenericAddresses = lacksGenericAddresses;
            return opened;
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    private static GpuDevice Start(Context context, string name, Func<Accelerator> create)
    {
        try
        {
            return new GpuDevice(context, create(), name);
        }
        catch (Exception error) when (error is not GpuException)
        {
            throw new GpuException(GpuError.Unsupported, $"{name} cannot be opened: {error.Message.Trim().TrimEnd('.')}.", error);
        }
    }

    private static T Pick<T>(ImmutableArray<T> devices, int index, string driver) => devices.Length switch
    {
        0 => throw new GpuException(GpuError.NoDevice, $"The {driver} driver has no device."),
        int count when index >= count => throw new GpuException(
            GpuError.NoDevice, $"The {driver} driver has {count} device{(count == 1 ? "" : "s")}; there is no device {index}."),
        _ => devices[index],
    };

    /// <summary>
    /// ILGPU refuses devices without generic addresses, although only the word in its source stands in the way: <see cref="KernelLoader"/> defines it away,
    /// which is right for kernels whose pointers are never chosen between global and local memory.
    /// </summary>
    /// <returns>Whether the device lacks them.</returns>
    private static bool AllowMissingGenericAddresses(CLDevice device)
    {
        if (device.Capabilities.GenericAddressSpace)
        {
            return false;
        }

        typeof(CLCapabilityContext).GetProperty(nameof(CLCapabilityContext.GenericAddressSpace))!.SetValue(device.Capabilities, true);
        return true;
    }
}
