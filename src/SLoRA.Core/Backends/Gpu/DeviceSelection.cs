using System.Collections.Immutable;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace SLoRA.Backends.Gpu;

/// <summary>Finds the device that the options name, and says why when it cannot be used.</summary>
internal static class DeviceSelection
{
    /// <summary>
    /// The oldest CUDA driver whose PTX dialect holds all instructions of the kernels: that of CUDA 11.0, made for compute capability 8.0.
    /// </summary>
    private static readonly CudaDriverVersion _oldestDriver = CudaDriverVersion.FromMajorMinor(11, 0);

    /// <summary>Opens the device, or joins its users.</summary>
    /// <exception cref="GpuException">There is none, or it is too old.</exception>
    public static SharedAccelerator Acquire(GpuOptions options)
    {
        DriverLibraries.Resolve();
        return options.Driver switch
        {
            GpuDriver.Cuda => SharedAccelerator.Acquire(GpuDriver.Cuda, options.Device, OpenCuda),
            GpuDriver.OpenCL => SharedAccelerator.Acquire(GpuDriver.OpenCL, options.Device, OpenOpenCL),
            _ => AcquireAny(options.Device),
        };
    }

    private static SharedAccelerator AcquireAny(int device)
    {
        try
        {
            return SharedAccelerator.Acquire(GpuDriver.Cuda, device, OpenCuda);
        }
        catch (GpuException cuda) when (cuda.Reason is GpuError.NoDriver or GpuError.NoDevice)
        {
            try
            {
                return SharedAccelerator.Acquire(GpuDriver.OpenCL, device, OpenOpenCL);
            }
            catch (GpuException openCL) when (openCL.Reason is GpuError.NoDriver or GpuError.NoDevice)
            {
                throw new GpuException(GpuError.NoDevice, $"There is no GPU device. {cuda.Message} {openCL.Message}");
            }
        }
    }

    private static SharedAccelerator OpenCuda(int index)
    {
        if (DriverLibraries.Load(NativeNames.Cuda) == 0)
        {
            throw new GpuException(
                GpuError.NoDriver, $"NVIDIA's driver is not installed ({DriverLibraries.Missing(NativeNames.Cuda, NativeNames.Current)}).");
        }

        Context context = GpuDevice.Create(static builder => builder.Cuda(static _ => true));
        try
        {
            ImmutableArray<CudaDevice> devices = [.. context.GetCudaDevices()];
            CudaDevice device = Pick(devices, index, "CUDA", devices.IsEmpty ? WhyNoCudaDevice() : "");
            string name = $"CUDA device {index} ({device.Name})";
            if (device.DriverVersion < _oldestDriver)
            {
                throw new GpuException(
                    GpuError.DriverTooOld,
                    $"{name} has a driver for CUDA {Text(device.DriverVersion)}; the kernels need one for {Text(_oldestDriver)} or newer.");
            }

            if (device.Architecture is { } architecture && architecture < CudaArchitecture.SM_70)
            {
                throw new GpuException(
                    GpuError.DriverTooOld,
                    $"{name} has compute capability {architecture.Major}.{architecture.Minor}; the kernels need 7.0 or newer.");
            }

            return Start(context, name, false, () => device.CreateCudaAccelerator(context));
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    private static SharedAccelerator OpenOpenCL(int index)
    {
        if (DriverLibraries.Load(NativeNames.OpenCL) == 0)
        {
            throw new GpuException(
                GpuError.NoDriver, $"OpenCL is not installed ({DriverLibraries.Missing(NativeNames.OpenCL, NativeNames.Current)}).");
        }

        Context context = GpuDevice.Create(static builder => builder.OpenCL(static _ => true));
        try
        {
            ImmutableArray<CLDevice> devices = [.. context.GetCLDevices()];
            CLDevice device = Pick(devices, index, "OpenCL", "");
            bool lacksGenericAddresses = AllowMissingGenericAddresses(device);
            return Start(
                context, $"OpenCL device {index} ({device.Name.Trim()})", lacksGenericAddresses, () => device.CreateCLAccelerator(context));
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    private static SharedAccelerator Start(Context context, string name, bool lacksGenericAddresses, Func<Accelerator> create)
    {
        // ILGPU binds an accelerator to the thread as soon as it has a context, so that one which then fails can be found and closed.
        SharedAccelerator.ForgetCurrent();
        try
        {
            return new SharedAccelerator(context, create(), name, lacksGenericAddresses);
        }
        catch (Exception error)
        {
            SharedAccelerator.Close(context, Accelerator.Current);
            throw GpuErrors.Open(name, error);
        }
    }

    private static T Pick<T>(ImmutableArray<T> devices, int index, string driver, string why) => devices.Length switch
    {
        0 => throw new GpuException(GpuError.NoDevice, $"The {driver} driver has no device{why}."),
        int count when index >= count => throw new GpuException(
            GpuError.NoDevice, $"The {driver} driver has {count} device{(count == 1 ? "" : "s")}; there is no device {index}."),
        _ => devices[index],
    };

    /// <summary>ILGPU passes over devices that do not answer: asks the driver again what it says.</summary>
    private static string WhyNoCudaDevice()
    {
        CudaError error = CudaAPI.CurrentAPI.GetDeviceCount(out int count);
        return error != CudaError.CUDA_SUCCESS ? $" ({error})" : count > 0 ? " that answers" : "";
    }

    private static string Text(CudaDriverVersion version) => $"{version.Major}.{version.Minor}";

    /// <summary>
    /// ILGPU refuses devices without generic addresses, although only the word in its source stands in the way: <see cref="KernelLoader"/>
    /// defines it away, which is right for kernels whose pointers are never chosen between global and local memory.
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
