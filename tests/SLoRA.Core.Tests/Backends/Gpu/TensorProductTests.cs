using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>The kernels for tensor cores on the device of this machine, which emulates them unless it is one of NVIDIA's.</summary>
[NonParallelizable]
[DeviceFixture]
public sealed class TensorProductTests
{
    [SeededProperty(MaxTest = 40)]
    public void Products_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, random.Next(3) == 0 ? 200 : 40);
        using GpuTwin twin = SharedDevice.TensorTwin(seed, rows);
        int runs = random.Next(1, random.Next(3) == 0 ? 60 : 9);
        KernelChecks.Products(
            twin, rows, 32 * runs, (TensorType.BF16, random.Next(1, 200), random.Next(2) == 0),
            (twin.AnyType(), random.Next(1, 70), false));
    }

    [SeededProperty(MaxTest = 20)]
    public void A_row_has_the_same_bits_from_both_kernels(int seed)
    {
        var random = new Random(seed);
        int many = random.Next(TensorProductKernels.FewRows + 1, 150);
        int few = random.Next(1, TensorProductKernels.FewRows + 1);
        using GpuTwin twin = SharedDevice.TensorTwin(seed, many);
        TensorProductChecks.SameBits(
            twin, WeightFormat.BF16, 32 * random.Next(1, 30), random.Next(1, 300), many, few, random.Next(many - few + 1));
    }

    /// <summary>A format with all that the kernel knows: the compiler takes its time for each.</summary>
    [Test]
    public void Products_with_packed_weights_agree_with_the_Reference([Values(1, 11)] int rows)
    {
        using GpuTwin twin = SharedDevice.TensorTwin(rows, rows);
        KernelChecks.Products(twin, rows, twin.Group(512, (PackedFormats.Of("Q4_K"), 37, true)));
    }

    [Test]
    public void The_emulation_multiplies_element_by_element_as_the_ISA_lays_fragments_out() =>
        FragmentChecks.Products(SharedDevice.Device, new KernelLoader(SharedDevice.Device));
}
