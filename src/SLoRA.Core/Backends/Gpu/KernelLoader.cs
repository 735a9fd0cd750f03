using System.Reflection;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Backends.Gpu;

/// <summary>Compiles kernels for one device and gives their launchers. Launching through one allocates nothing.</summary>
internal class KernelLoader(GpuDevice device)
{
    /// <summary>Threads of a group, of every kernel.</summary>
    public const int GroupSize = 1 << GroupSizeLog2;

    /// <summary>2 to this are the threads of a group.</summary>
    public const int GroupSizeLog2 = 7;

    /// <summary>Whether the device has tensor cores for bfloat16: NVIDIA's from compute capability 8.0.</summary>
    public bool HasTensorCores => device.Accelerator is CudaAccelerator cuda && cuda.Architecture >= CudaArchitecture.SM_80;

    /// <summary>Loads a kernel.</summary>
    /// <typeparam name="TLauncher"><c>Action&lt;AcceleratorStream, KernelConfig, …&gt;</c> with the kernel's own parameters
    /// behind.</typeparam>
    /// <param name="kernel">The kernel: a static method with <see cref="KernelAttribute"/>.</param>
    /// <exception cref="GpuException">Compiler or driver do not accept it.</exception>
    public virtual TLauncher Load<TLauncher>(Delegate kernel)
        where TLauncher : Delegate
    {
        MethodInfo method = kernel.Method;
        CompiledKernel? compiled = null;
        try
        {
            compiled = device.Shared.Compiled(method, Target(), accelerator => Compile(accelerator, method));
            Kernel loaded = device.Take(method, accelerator => accelerator.LoadKernel(compiled));
            return loaded.CreateLauncherDelegate<TLauncher>();
        }
        catch (Exception error) when (error is not GpuException)
        {
            device.Shared.MarkFaulted();
            throw GpuErrors.Kernel(device.Name, method.Name, compiled is null ? "" : KernelLog.Of(device, compiled), error);
        }
    }

    private string? Target() => device.Accelerator switch
    {
        CudaAccelerator cuda => $"PTX {cuda.InstructionSet} {cuda.Architecture}",
        CLAccelerator openCL => $"{openCL.CVersion} {device.Name}",
        _ => null,
    };

    private CompiledKernel Compile(Accelerator accelerator, MethodInfo method)
    {
        EntryPointDescription entry = EntryPointDescription.FromExplicitlyGroupedKernel(method);
        CompiledKernel compiled = accelerator.GetBackend().Compile(entry, KernelAttribute.Specialization(method, GroupSize));
        if (compiled is CLCompiledKernel source && device.LacksGenericAddresses)
        {
            DefineGenericAway(source);
        }

        if (compiled is PTXCompiledKernel text)
        {
            PtxText.Finish(text);
        }

        return compiled;
    }

    private static void DefineGenericAway(CLCompiledKernel kernel)
    {
        FieldInfo field = typeof(CLCompiledKernel).GetField("<Source>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)
            ?? throw new NotSupportedException("This version of ILGPU keeps a kernel's source elsewhere.");
        field.SetValue(kernel, "#define __generic __global\n" + kernel.Source);
    }
}
