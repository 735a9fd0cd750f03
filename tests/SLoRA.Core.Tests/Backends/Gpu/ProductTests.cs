using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Core.Tests.Models.Blocks;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Tests.Backends.Gpu;

[NonParallelizable]
[DeviceFixture]
public sealed class ProductTests
{
    [SeededProperty(MaxTest = 60)]
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

    [SeededProperty(MaxTest = 30)]
    public void Products_with_weights_in_blocks_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 71);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        KernelChecks.Products(twin, rows, twin.Group(
            32 * random.Next(1, 20), (WeightFormat.Q8_0, random.Next(1, 100), random.Next(2) == 0),
            (WeightFormat.BF16, random.Next(1, 40), false)));
    }

    /// <summary>A row, which one kernel multiplies, and many, which another does; units that the rows of weights fill and such that not.
    /// </summary>
    [TestCaseSource(typeof(PackedFormats), nameof(PackedFormats.All))]
    public void Products_with_packed_weights_agree_with_the_Reference(string name)
    {
        WeightFormat format = PackedFormats.Of(name);
        var random = new Random(name.Length);
        foreach (int rows in (int[])[1, 1 + random.Next(8), 9 + random.Next(40)])
        {
            using GpuTwin twin = SharedDevice.Twin(rows, rows);
            int inputs = format.BlockElements * random.Next(1, 6);
            KernelChecks.Products(twin, rows, twin.Group(
                inputs, (format, random.Next(1, 100), true), (WeightFormat.BF16, random.Next(1, 40), false)));
        }
    }

    /// <summary>An element has the very value that its format says.</summary>
    [TestCaseSource(typeof(PackedFormats), nameof(PackedFormats.All))]
    public void Rows_of_packed_tables_are_widened_exactly(string name)
    {
        WeightFormat format = PackedFormats.Of(name);
        using GpuTwin twin = SharedDevice.Twin(3, 6);
        int width = format.BlockElements * 3;
        Trio<DeviceTable> table = twin.Table(format, 6, width);
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, width, 0);
        twin.Plan.AddSlice([5, 0, 3, 1, 4, 2], 0, [0], 0);
        twin.BeginStep();
        twin.Reference.Embed(table.Reference, 0, x.Reference);
        twin.Gpu.Embed(table.Gpu, 0, x.Gpu);
        for (int row = 0; row < 6; row++)
        {
            Assert.That(twin.Read(x.Gpu, row), Is.EqualTo(twin.Read(x.Reference, row)), $"row {row}");
        }
    }

    [Test]
    public void The_status_says_what_became_of_matrices()
    {
        using GpuTwin twin = SharedDevice.Twin(1, 1);
        _ = twin.Group(256, (BlockFormats.Q4K, 3, false), (BlockFormats.Q6K, 2, false), (BlockFormats.Q4K, 1, false));
        (WeightSource widened, _) = twin.Weight(WeightFormat.F32, 2, 256);
        _ = twin.Gpu.LoadMatrix(widened with { WidenedFrom = BlockFormats.Iq2S });
        Assert.That(twin.Gpu.Status.Weights, Is.EqualTo("1 IQ2_S as fp32, 2 Q4_K as stored, 1 Q6_K as stored"));
    }

    [Test]
    public void A_decoder_with_weights_in_blocks_has_the_logits_of_the_Reference([Values(1, 2)] int seed)
    {
        using NamedWeights weights = BlockedDecoder.Weights(seed);
        using var reference = new ReferenceBackend(BlockedDecoder.Rows, BlockedDecoder.Rows);
        using var gpu = new GpuBackend(SharedDevice.Device, SharedDevice.Kernels, BlockedDecoder.Rows, BlockedDecoder.Rows);

        float[][] expected = BlockedDecoder.Logits(reference, weights.Source);
        float[][] actual = BlockedDecoder.Logits(gpu, weights.Source);
        for (int row = 0; row < BlockedDecoder.Rows; row++)
        {
            Assert.That(actual[row], Is.EqualTo(expected[row]).Within(2e-4f), $"row {row}");
        }
    }

    [SeededProperty(MaxTest = 20)]
    public void Look_ups_in_tables_of_blocks_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 30);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        KernelChecks.Embeddings(twin, rows, WeightFormat.Q8_0, random.Next(1, 60), 32 * random.Next(1, 9));
    }

    /// <summary>Sums that shards may share: leaves of any length, whatever segments and tiles there are in them.</summary>
    [SeededProperty(MaxTest = 30)]
    public void Sums_of_leaves_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 71);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        (int[] borders, int inputs) = Leaves(random);
        Trio<LinearGroup> group = twin.Group(inputs, (twin.AnyType(), random.Next(1, 100), random.Next(2) == 0));
        KernelChecks.Products(twin, rows, new Trio<LinearGroup>(
            With(group.Reference, borders), With(group.Magnitudes, borders), With(group.Gpu, borders)));
    }

    [SeededProperty(MaxTest = 30)]
    public void A_row_has_the_same_bits_from_both_kernels(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(ProductKernels.FewRows + 1, 71);
        int inputs = random.Next(3) == 0 ? 32 * random.Next(1, 80) : random.Next(1, 2600);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        Trio<LinearGroup> group = inputs % 32 == 0
            ? twin.Group(inputs, (WeightFormat.Q8_0, random.Next(1, 90), random.Next(2) == 0))
            : twin.Group(inputs, (twin.AnyType(), random.Next(1, 90), random.Next(2) == 0), (twin.AnyType(), random.Next(1, 20), true));
        LinearGroup products = group.Gpu;
        if (random.Next(2) == 0)
        {
            int leaves = Math.Min(8, 1 << int.Log2(inputs));
            products = With(group.Gpu, [.. Enumerable.Range(0, leaves + 1).Select(leaf => inputs * leaf / leaves)]);
        }

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
            twin.Gpu.Linear(products, x.Gpu, y.Gpu);
            return [.. Enumerable.Range(0, count).Select(row => twin.Read(y.Gpu, row))];
        }
    }

    private static LinearGroup With(LinearGroup group, int[] borders) => new(group.Parts) { InputBorders = [.. borders] };

    private static (int[] Borders, int Inputs) Leaves(Random random)
    {
        int[] borders = new int[(2 << random.Next(3)) + 1];
        for (int leaf = 1; leaf < borders.Length; leaf++)
        {
            borders[leaf] = borders[leaf - 1] + (random.Next(2) == 0 ? 64 * random.Next(1, 4) : random.Next(1, 150));
        }

        return (borders, borders[^1]);
    }
}
