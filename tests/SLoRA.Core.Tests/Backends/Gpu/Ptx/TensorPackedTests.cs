using NUnit.Framework;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>Products with packed weights on tensor cores, the text that a driver would get, in the interpreter.</summary>
[NonParallelizable]
public sealed class TensorPackedTests
{
    private const string Kernel = "PackedProductKernels.Multiply";

    /// <summary>Outputs of two groups and of a second part, a last unit that is not full where blocks allow it.</summary>
    [TestCaseSource(typeof(PackedFormats), nameof(PackedFormats.All))]
    public void Products_agree_with_the_Reference(string name)
    {
        WeightFormat format = PackedFormats.Of(name);
        using GpuTwin twin = PtxDevice.Twin(3, 3);
        PtxKernelLoader.Launches.Clear();
        KernelChecks.Products(twin, 3, twin.Group(InputsOf(format), (format, 33, true), (format, 3, false)));
        Assert.That(PtxKernelLoader.Launches, Is.EqualTo((string[])[Kernel]), "both products in one launch");
    }

    /// <summary>Every warp has units, the last one fewer; more rows than one group has.</summary>
    [TestCase("Q4_0", 640, 18)]
    [TestCase("Q6_K", 1280, 9)]
    [TestCase("Q4_K", 1280, 1)]
    public void Products_over_all_quarters_of_K_agree_with_the_Reference(string name, int inputs, int rows)
    {
        using GpuTwin twin = PtxDevice.Twin(4, rows);
        KernelChecks.Products(twin, rows, twin.Group(inputs, (PackedFormats.Of(name), 5, false)));
    }

    /// <summary>One kind of scales each: alone, with offsets, for sixteen columns, with zeros.</summary>
    [TestCase("Q8_0")]
    [TestCase("Q4_K")]
    [TestCase("Q6_K")]
    [TestCase("int4 with F16 scales")]
    public void A_row_has_the_same_bits_among_few_and_among_many(string name)
    {
        WeightFormat format = PackedFormats.Of(name);
        using GpuTwin twin = PtxDevice.Twin(9, 20);
        TensorProductChecks.SameBits(twin, format, InputsOf(format), 35, 20, 7, first: 11);
        Assert.That(PtxKernelLoader.Launched, Does.Contain(Kernel));
    }

    /// <summary>Parts of other formats have launches of their own.</summary>
    [Test]
    public void Parts_of_several_formats_agree_with_the_Reference()
    {
        using GpuTwin twin = PtxDevice.Twin(5, 2);
        PtxKernelLoader.Launches.Clear();
        KernelChecks.Products(twin, 2, twin.Group(
            256, (PackedFormats.Of("Q4_K"), 9, true), (PackedFormats.Of("Q4_K"), 5, false), (PackedFormats.Of("Q6_K"), 7, true),
            (WeightFormat.BF16, 6, true)));
        Assert.That(PtxKernelLoader.Launches, Is.EqualTo((string[])[Kernel, Kernel, "TensorProductKernels.Few"]));
    }

    private static int InputsOf(WeightFormat format) => format.BlockElements == 32 ? 160 : 256;
}
