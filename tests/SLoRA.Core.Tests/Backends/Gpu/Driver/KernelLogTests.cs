using System.Reflection;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>What the driver's compiler says of a kernel that it rejects.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class KernelLogTests
{
    [Test]
    public void OpenCL_says_which_word_it_does_not_know()
    {
        using GpuDevice device = OpenCLDevice.Open();
        CLCompiledKernel kernel = Compile(device);
        FieldInfo source = typeof(CLCompiledKernel).GetField("<Source>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)!;
        source.SetValue(kernel, "kernel void broken() { no_such_word = 1; }");
        Assert.That(KernelLog.Of(device, kernel), Does.Contain("no_such_word").And.Not.Contains("\n"));
    }

    [Test]
    public void A_kernel_that_is_accepted_leaves_no_log()
    {
        using GpuDevice device = OpenCLDevice.Open();
        CLCompiledKernel kernel = Compile(device);
        FieldInfo source = typeof(CLCompiledKernel).GetField("<Source>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)!;
        source.SetValue(kernel, $"kernel void {kernel.Name}() {{ }}");
        Assert.That(KernelLog.Of(device, kernel), Is.Empty);
    }

    private static CLCompiledKernel Compile(GpuDevice device)
    {
        lock (device.Shared.Gate)
        {
            MethodInfo method = ((Delegate)ElementKernels.Add).Method;
            return (CLCompiledKernel)device.Accelerator.GetBackend()
                .Compile(EntryPointDescription.FromExplicitlyGroupedKernel(method), default);
        }
    }
}
