using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>The Cpu backend's table of formats, against the Reference backend, which widens.</summary>
public sealed unsafe class CpuFormatsTests
{
    [SeededProperty(MaxTest = 60)]
    public void Products_with_blocks_differ_from_the_Reference_by_the_rounding_of_activations_alone(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 27);
        int inputs = 32 * random.Next(1, 30);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5), weights: (CpuWeights)random.Next(2));
        WeightSource weight = twin.Weight(WeightFormat.Q8_0, random.Next(1, 150), inputs);
        float[] w = weight.Widened();
        var reference = new LinearGroup(new LinearPart(twin.Reference.LoadMatrix(weight), null, 0));
        var cpu = new LinearGroup(new LinearPart(twin.Cpu.LoadMatrix(weight), null, 0));
        (DeviceRows x, DeviceRows cpuX) = twin.Rows(RowSet.Step, inputs, rows);
        (DeviceRows expected, DeviceRows y) = twin.Rows(RowSet.Step, weight.Rows, 0);
        twin.Plan.AddSlice(new int[rows], 0, [], 0);
        twin.BeginStep();

        twin.Reference.Linear(reference, x, expected);
        twin.Cpu.Linear(cpu, cpuX, y);

        for (int row = 0; row < rows; row++)
        {
            float[] values = Twin.Read(x, row), sums = Twin.Read(expected, row), actual = Twin.Read(y, row);
            float largest = values.Max(Math.Abs);
            for (int output = 0; output < weight.Rows; output++)
            {
                // An activation is off by half a step of its group at most; then what fp32 sums round.
                double magnitudes = w.AsSpan(output * inputs, inputs).ToArray().Sum(Math.Abs);
                double bound = magnitudes * largest * ((0.5 / 32767) + ((inputs + 4) * Math.Pow(2, -24)));
                Assert.That((double)actual[output], Is.EqualTo(sums[output]).Within(bound), $"row {row}, output {output}");
            }
        }
    }

    [SeededProperty(MaxTest = 60)]
    public void Parts_of_one_group_may_have_any_formats(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        int inputs = 32 * random.Next(1, 10);
        WeightFormat[] formats = [WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16, WeightFormat.Q8_0];
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5), weights: (CpuWeights)random.Next(2));
        WeightSource[] weights = [.. Enumerable.Range(0, random.Next(1, 5))
            .Select(_ => twin.Weight(formats[random.Next(4)], random.Next(1, 70), inputs))];
        LinearPart[] parts = [.. weights.Select((weight, i) => new LinearPart(twin.Cpu.LoadMatrix(weight), null, i))];
        float[][] x = [.. Enumerable.Range(0, rows).Select(_ => twin.Numbers(inputs))];

        float[][] together = Multiply(twin, x, parts);
        float[][][] apart = [.. parts.Select(part => Multiply(twin, x, part))];

        for (int row = 0; row < rows; row++)
        {
            Assert.That(together[row], Is.EqualTo(apart.SelectMany(part => part[row])), $"row {row}");
        }
    }

    [SeededProperty(MaxTest = 40)]
    public void Tables_of_any_format_give_the_bits_of_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        int width = 32 * random.Next(1, 20);
        using var twin = new Twin(seed, rows);
        WeightFormat[] formats = [WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16, WeightFormat.Q8_0];
        WeightSource table = twin.Weight(formats[random.Next(4)], 50, width) with { Stays = random.Next(2) == 0 };
        (DeviceRows expected, DeviceRows x) = twin.Rows(RowSet.Step, width, 0);
        twin.Plan.AddSlice([.. Enumerable.Range(0, rows).Select(_ => random.Next(50))], 0, [], 0);
        twin.BeginStep();

        twin.Reference.Embed(twin.Reference.LoadTable(table), 0, expected);
        twin.Cpu.Embed(twin.Cpu.LoadTable(table), 0, x);

        for (int row = 0; row < rows; row++)
        {
            Assert.That(Twin.Read(x, row), Is.EqualTo(Twin.Read(expected, row)), $"row {row}");
        }
    }

    [Test]
    public void What_the_program_chooses_is_kept_and_eight_bits_stay_as_they_are()
    {
        using var twin = new Twin(1, 1);
        CpuFormat Of(WeightFormat format, CpuWeights weights) => CpuFormats.Of(twin.Weight(format, 20, 64), weights);

        Assert.That(Of(WeightFormat.F32, CpuWeights.AsStored).Packing, Is.TypeOf<FloatPacking<F32Panel>>());
        Assert.That(Of(WeightFormat.F16, CpuWeights.AsStored).Packing, Is.TypeOf<FloatPacking<F16Panel>>());
        Assert.That(Of(WeightFormat.BF16, CpuWeights.AsStored).Packing, Is.TypeOf<FloatPacking<Bf16Panel>>());
        Assert.That(Of(WeightFormat.Q8_0, CpuWeights.AsStored).Packing, Is.TypeOf<Int8Packing<Groups32>>());
        Assert.That(Of(WeightFormat.Q8_0, CpuWeights.Int8).Packing, Is.TypeOf<Int8Packing<Groups32>>());
        foreach (WeightFormat format in (WeightFormat[])[WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16])
        {
            Assert.That(Of(format, CpuWeights.Int8).Packing, Is.TypeOf<Int8Packing<Groups64>>(), format.Name);
        }
    }

    [Test]
    public void Four_bits_are_five_where_the_residual_stream_takes_the_result_and_where_rows_are_short(
        [Values("F32", "F16", "BF16", "Q8_0")] string stored)
    {
        WeightFormat format = stored == "Q8_0" ? WeightFormat.Q8_0 : WeightFormat.Of(Enum.Parse<TensorType>(stored))!;
        using var twin = new Twin(1, 1);
        WeightSource wide = twin.Weight(format, 20, 1024), narrow = twin.Weight(format, 20, 992);
        static CpuFormat Of(WeightSource weight, Partition? partition) =>
            CpuFormats.Of(weight with { Partition = partition }, CpuWeights.Int4);

        foreach (Partition? partition in (Partition?[])[null, Partition.Outputs(Split.OfColumns(20))])
        {
            Assert.That(Of(wide, partition).Packing, Is.TypeOf<PackedPacking<FourBitsAround8, BrainScales, Groups32>>());
            Assert.That(Of(wide, partition).Kept, Is.EqualTo("in 4 bits"));
            Assert.That(Of(narrow, partition).Packing, Is.TypeOf<PackedPacking<FiveBitsAround16, BrainScales, Groups32>>());
        }

        Assert.That(
            Of(wide, Partition.Inputs(Split.OfColumns(1024))).Packing,
            Is.TypeOf<PackedPacking<FiveBitsAround16, BrainScales, Groups32>>());
        Assert.That(Of(wide, Partition.Inputs(Split.OfColumns(1024))).Kept, Is.EqualTo("in 5 bits"));
    }

    [Test]
    public void What_gives_logits_and_keys_and_values_that_queries_share_keep_eight_bits_where_the_rest_is_to_have_four()
    {
        using var twin = new Twin(1, 1);
        static PanelPacking Of(WeightSource weight, bool givesLogits, Partition? partition) =>
            CpuFormats.Of(weight with { GivesLogits = givesLogits, Partition = partition }, CpuWeights.Int4).Packing;
        WeightSource plain = twin.Weight(WeightFormat.BF16, 16, 64), eight = twin.Weight(WeightFormat.Q8_0, 16, 64);
        static Partition Keys(int heads) =>
            Partition.Outputs(Split.OfKeys(new GroupedAttention { Heads = heads, KeyValueHeads = 2, HeadDim = 8, ScoreScale = 1 }));

        Assert.That(Of(plain, true, null), Is.TypeOf<Int8Packing<Groups64>>());
        Assert.That(Of(eight, true, null), Is.TypeOf<Int8Packing<Groups32>>());
        Assert.That(Of(plain, false, Keys(4)), Is.TypeOf<Int8Packing<Groups64>>());
        Assert.That(Of(eight, false, Keys(4)), Is.TypeOf<Int8Packing<Groups32>>());
        Assert.That(Of(plain, false, Keys(2)), Is.TypeOf<PackedPacking<FiveBitsAround16, BrainScales, Groups32>>());
    }

    [Test]
    public void Blocks_of_few_bits_stay_as_they_are_whatever_is_chosen_unless_all_is_to_be_exact()
    {
        using var twin = new Twin(1, 1);
        foreach (BlockFormat format in RandomBlocks.Packed)
        {
            WeightSource weight = twin.Weight(format, 20, 256);
            PanelPacking stored = CpuFormats.Of(weight, CpuWeights.AsStored).Packing;
            Assert.That(stored, Is.Not.TypeOf<FloatPacking<F32Panel>>(), format.Name);
            Assert.That(CpuFormats.Of(weight, CpuWeights.Int8).Packing, Is.SameAs(stored), format.Name);
            Assert.That(CpuFormats.Of(weight, CpuWeights.Int4).Packing, Is.SameAs(stored), format.Name);
            Assert.That(
                CpuFormats.Of(weight, CpuWeights.AsStored, CpuPrecision.Exact).Packing, Is.TypeOf<FloatPacking<F32Panel>>(), format.Name);
        }
    }

    [Test]
    public void What_has_no_kernel_is_widened_or_takes_eight_bits_where_that_is_chosen()
    {
        using var twin = new Twin(1, 1);
        WeightSource weight = twin.Weight(WeightFormat.F32, 16, 256) with { Format = BlockFormats.Iq2S };

        Assert.That(CpuFormats.Of(weight, CpuWeights.AsStored).Packing, Is.TypeOf<FloatPacking<F32Panel>>());
        Assert.That(CpuFormats.Of(weight, CpuWeights.AsStored).Kept, Is.EqualTo("as fp32"));
        Assert.That(CpuFormats.Of(weight, CpuWeights.Int8).Packing, Is.TypeOf<Int8Packing<Groups64>>());
        Assert.That(CpuFormats.Of(weight, CpuWeights.Int4).Packing, Is.TypeOf<Int8Packing<Groups64>>());
    }

    [Test]
    public void The_status_says_how_many_matrices_of_which_format_are_kept_how()
    {
        using var twin = new Twin(1, 1);
        twin.Cpu.LoadMatrix(twin.Weight(BlockFormats.Q4K, 20, 256));
        twin.Cpu.LoadMatrix(twin.Weight(BlockFormats.Q4K, 30, 256));
        twin.Cpu.LoadMatrix(twin.Weight(WeightFormat.F32, 16, 256) with { Format = BlockFormats.Iq2S });
        twin.Cpu.CompleteLoading(null!);

        Assert.That(twin.Cpu.Status.Weights, Is.EqualTo("1 IQ2_S as fp32, 2 Q4_K as stored"));
    }

    [Test]
    public void A_format_or_a_choice_without_a_row_is_taken_for_no_other()
    {
        using var twin = new Twin(1, 1);
        WeightSource weight = twin.Weight(WeightFormat.F32, 16, 64);

        Assert.That(
            () => CpuFormats.Of(weight with { Format = new UnknownFormat() }, CpuWeights.AsStored),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("Unknown"));
        Assert.That(
            () => CpuFormats.Of(weight with { Format = new UnknownFormat() }, CpuWeights.Int8),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("Unknown"));
        Assert.That(() => CpuFormats.Of(weight, (CpuWeights)99), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    private static float[][] Multiply(Twin twin, float[][] values, params LinearPart[] parts)
    {
        var group = new LinearGroup([.. parts]);
        DeviceRows x = twin.Cpu.CreateRows(RowSet.Step, group.Inputs);
        DeviceRows y = twin.Cpu.CreateRows(RowSet.Step, group.Outputs);
        for (int row = 0; row < values.Length; row++)
        {
            Twin.Write(x, row, values[row]);
        }

        twin.Plan.Clear();
        twin.Plan.AddSlice(new int[values.Length], 0, [], 0);
        twin.BeginStep();
        twin.Cpu.Linear(group, x, y);
        return [.. Enumerable.Range(0, values.Length).Select(row => Twin.Read(y, row))];
    }

    private sealed class UnknownFormat() : WeightFormat("Unknown", 64, 8)
    {
        public override void Widen(ReadOnlySpan<byte> blocks, Span<float> values) => values.Clear();

        public override long FirstNotFinite(ReadOnlySpan<byte> blocks) => -1;
    }
}
