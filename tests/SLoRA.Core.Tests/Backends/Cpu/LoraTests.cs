using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed class LoraTests
{
    private const int PageBytes = 32 * 1024;

    [SeededProperty(MaxTest = 60)]
    public void Ragged_work_lists_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 90);
        using var twin = new Twin(seed, rows, rows, random.Next(1, 5));
        int inputs = random.Next(1, 200);
        int[] outputs = [random.Next(1, 150), random.Next(1, 150)];
        (LinearGroup reference, LinearGroup cpu) =
            twin.Group(inputs, (TensorType.F32, outputs[0], false), (TensorType.BF16, outputs[1], true));
        RowSet set = random.Next(2) == 0 ? RowSet.Step : RowSet.Output;
        int count = BuildStep(twin, rows, set, (inputs, outputs[0]), (inputs, outputs[1]));
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(set, inputs, count);
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(set, reference.Outputs, count);
        twin.BeginStep();
        twin.Reference.Linear(reference, x.Reference, y.Reference);
        twin.Cpu.Linear(cpu, x.Cpu, y.Cpu);
        for (int row = 0; row < count; row++)
        {
            // Up to three sums of 128 products of sums of 200 products, some hundreds in size: only the order of the inner sums differs.
            AssertClose(Twin.Read(y.Cpu, row), Twin.Read(y.Reference, row), 3e-4f);
        }
    }

    [SeededProperty(MaxTest = 40)]
    public void Rows_of_the_base_keep_the_bits_of_the_base(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(2, 40);
        using var twin = new Twin(seed, rows, threads: 2);
        (LinearGroup reference, LinearGroup cpu) = twin.Group(70, (TensorType.BF16, 50, true));
        BuildStep(twin, rows, RowSet.Step, (70, 50));
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, 70, rows);
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(RowSet.Step, 50, rows);
        twin.BeginStep();
        twin.Reference.Linear(reference, x.Reference, y.Reference);
        twin.Cpu.Linear(cpu, x.Cpu, y.Cpu);
        for (int row = 0; row < rows; row++)
        {
            if (!Adapted(twin.Plan, row))
            {
                Assert.That(Twin.Read(y.Cpu, row), ScalarSum.ReferenceBits(Twin.Read(y.Reference, row)));
            }
        }
    }

    [SeededProperty(MaxTest = 40)]
    public void A_row_has_the_same_bits_alone_and_in_a_mix(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(2, 70);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5));
        (_, LinearGroup group) = twin.Group(90, (TensorType.BF16, 70, false), (TensorType.BF16, 33, false));
        BuildStep(twin, rows, RowSet.Step, (90, 70), (90, 33));
        (_, DeviceRows x) = twin.Rows(RowSet.Step, 90, rows);
        (_, DeviceRows y) = twin.Rows(RowSet.Step, 103, rows);
        twin.Cpu.BeginStep(twin.Plan);
        twin.Cpu.Linear(group, x, y);
        int row = random.Next(rows);
        float[] mixed = Twin.Read(y, row);

        var alone = new StepPlan(rows, 0);
        alone.AddSlice([0], 0, [], 0);
        foreach (WorkChunk chunk in twin.Plan.Lora.Chunks)
        {
            foreach (WorkEntry entry in twin.Plan.Lora.Entries.Slice(chunk.First, chunk.Count))
            {
                if (entry.Row == row)
                {
                    alone.Lora.Add(chunk.Adapter, 0, 1, entry.Weight, startsPlace: true);
                }
            }
        }

        Twin.Write(x, 0, Twin.Read(x, row));
        twin.Cpu.BeginStep(alone);
        twin.Cpu.Linear(group, x, y);
        Assert.That(Twin.Read(y, 0), Is.EqualTo(mixed));
    }

    [SeededProperty(MaxTest = 40)]
    public void Embedding_adapters_agree_with_the_Reference_to_the_bit(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 40);
        using var twin = new Twin(seed, rows, threads: 2);
        int entries = random.Next(1, 200);
        int width = random.Next(1, 90);
        WeightSource weight = twin.Weight(twin.AnyType(), entries, width);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, width, rows);
        BuildStep(twin, rows, RowSet.Step, entries, (entries, width));
        twin.BeginStep();
        twin.Reference.Embed(twin.Reference.LoadTable(weight), 0, x.Reference);
        twin.Cpu.Embed(twin.Cpu.LoadTable(weight), 0, x.Cpu);
        for (int row = 0; row < rows; row++)
        {
            Assert.That(Twin.Read(x.Cpu, row), ScalarSum.ReferenceBits(Twin.Read(x.Reference, row)));
        }
    }

    [SeededProperty(MaxTest = 25)]
    public void Beside_int8_weights_adapters_read_activations_as_they_are(int seed)
    {
        float[][] stored = Deltas(seed, CpuWeights.AsStored);
        Assert.That(Deltas(seed, CpuWeights.Int8), Is.EqualTo(stored));
    }

    /// <summary>What adapters add to products of zero weights.</summary>
    private static float[][] Deltas(int seed, CpuWeights weights)
    {
        int rows = new Random(seed).Next(1, 40);
        using var twin = new Twin(seed, rows, threads: 2, weights: weights);
        var group = new LinearGroup(
            new LinearPart(twin.Cpu.LoadMatrix(twin.Weight(TensorType.BF16, 50, 70, () => 0)), null, 0),
            new LinearPart(twin.Cpu.LoadMatrix(twin.Weight(TensorType.F16, 33, 70, () => 0)), null, 1));
        BuildStep(twin, rows, RowSet.Step, (70, 50), (70, 33));
        (_, DeviceRows x) = twin.Rows(RowSet.Step, 70, rows);
        (_, DeviceRows y) = twin.Rows(RowSet.Step, 83, rows);
        twin.Cpu.BeginStep(twin.Plan);
        twin.Cpu.Linear(group, x, y);
        return [.. Enumerable.Range(0, rows).Select(row => Twin.Read(y, row))];
    }

    private static bool Adapted(StepPlan plan, int row)
    {
        foreach (WorkEntry entry in plan.Lora.Entries)
        {
            if (entry.Row == row)
            {
                return true;
            }
        }

        return false;
    }

    private static int BuildStep(Twin twin, int rows, RowSet set, params (int Inputs, int Outputs)[] modules)
        => BuildStep(twin, rows, set, 1, modules);

    /// <summary>
    /// A step whose rows have none to three of a few adapters each, some of which leave a module out. Returns the rows of the set.
    /// </summary>
    private static int BuildStep(Twin twin, int rows, RowSet set, int vocabulary, params (int Inputs, int Outputs)[] modules)
    {
        Random random = twin.Random;
        KvLayout layout = Layouts.For(TensorType.F32, 1, Layouts.Attention(1, 1, PageBytes / 8));
        int pages = 400;
        twin.AllocatePages(layout, pages);
        int[] order = [.. Enumerable.Range(0, pages)];
        random.Shuffle(order);
        var maker = new RandomAdapter(random, Write, new Queue<int>(order), (int)layout.PageBytes);
        var adapters = new ResidentAdapter[random.Next(1, 5)];
        for (int i = 0; i < adapters.Length; i++)
        {
            adapters[i] = maker.Create([.. modules.Select(module => random.Next(5) == 0 ? ((int, int)?)null : module)]);
        }

        int[] adapterCount = [.. Enumerable.Range(0, rows).Select(_ => random.Next(4))];
        int outputs = 0;
        for (int row = 0; row < rows; row++)
        {
            int output = set == RowSet.Output && random.Next(2) == 0 ? 1 : 0;
            outputs += output;
            twin.Plan.AddSlice([random.Next(vocabulary)], 0, [0], output);
        }

        for (int place = 0; place < 3; place++)
        {
            bool starts = true;
            foreach (ResidentAdapter adapter in adapters)
            {
                for (int row = 0; row < rows; row++)
                {
                    if (adapterCount[row] > place && random.Next(adapters.Length) == 0)
                    {
                        twin.Plan.Lora.Add(adapter, row, 1, twin.Number(), starts);
                        starts = false;
                    }
                }
            }
        }

        return set == RowSet.Step ? rows : outputs;

        void Write(int page, int offset, TensorType type, byte[] elements)
        {
            twin.Reference.Pages.Write(page, offset, elements);
            twin.Cpu.Pages.Write(page, offset, elements);
        }
    }

    private static void AssertClose(float[] actual, float[] expected, float bound)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.That(actual[i], Is.EqualTo(expected[i]).Within(bound), $"column {i}");
        }
    }
}
