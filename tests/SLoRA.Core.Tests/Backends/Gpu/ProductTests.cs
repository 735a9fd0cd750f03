using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Gpu;

[NonParallelizable]
[DeviceFixture]
public sealed class ProductTests
{
    [FsCheck.NUnit.Property(MaxTest = 60)]
    public void Products_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 71);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        var parts = new (TensorType, int, bool)[random.Next(1, 4)];
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = (twin.AnyType(), random.Next(1, 100), random.Next(2) == 0);
        }

        KernelChecks.Products(twin, rows, random.Next(4) == 0 ? random.Next(1, 1300) : random.Next(1, 200), parts);
    }

    [Test]
    public void Every_number_of_rows_agrees_with_the_Reference([Range(1, 70)] int rows)
    {
        using GpuTwin twin = SharedDevice.Twin(rows, rows);
        KernelChecks.Products(twin, rows, 67, (Twin.Types[rows % 3], 69, rows % 2 == 0));
    }

    [FsCheck.NUnit.Property(MaxTest = 30)]
    public void A_row_has_the_same_bits_from_both_kernels(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(ProductKernels.FewRows + 1, 71);
        int inputs = random.Next(1, 2600);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        Trio<LinearGroup> group =
            twin.Group(inputs, (twin.AnyType(), random.Next(1, 90), random.Next(2) == 0), (twin.AnyType(), random.Next(1, 20), true));
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, inputs, rows);
        Trio<DeviceRows> y = twin.Rows(RowSet.Step, group.Gpu.Outputs, 0);
        float[][] many = Compute(rows);
        int few = random.Next(1, ProductKernels.FewRows + 1);
        int first = random.Next(rows - few + 1);
        for (int row = 0; row < few; row++)
        {
            twin.Write(x.Gpu, row, twin.Read(x.Gpu, first + row));
        }

        Assert.That(Compute(few), Is.EqualTo(many[first..(first + few)]));

        float[][] Compute(int count)
        {
            twin.Plan.Clear();
            twin.Plan.AddSlice(new int[count], 0, [0], 0);
            twin.BeginStep();
            twin.Gpu.Linear(group.Gpu, x.Gpu, y.Gpu);
            return [.. Enumerable.Range(0, count).Select(row => twin.Read(y.Gpu, row))];
        }
    }
}
