using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Core.Tests.Backends.Gpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed class AttentionJobTests
{
    private static readonly int[] Dims = [2, 8, 12, 16, 24, 40, 64];

    [SeededProperty(MaxTest = 40)]
    public void Attention_agrees_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        GroupedAttention attention = AnyAttention(random);
        int[] lengths = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(1, 70))];
        int rows = lengths.Sum();
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5));
        int pageTokens = 1 << random.Next(0, 6);
        KvLayout layout = Layouts.For(twin.AnyCacheType(), pageTokens, attention, attention);
        int[][] tables = AnyTables(random, layout, lengths, out int pages);
        twin.AllocatePages(layout, pages);
        FillPages(twin, pages, layout.PageBytes);
        int width = (attention.Heads + (2 * attention.KeyValueHeads)) * attention.HeadDim;
        (DeviceRows Reference, DeviceRows Cpu) qkv = twin.Rows(RowSet.Step, width, rows, size: 3);
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(RowSet.Step, attention.Heads * attention.HeadDim, rows);
        for (int i = 0; i < lengths.Length; i++)
        {
            twin.Plan.AddSlice(new int[lengths[i]], 0, tables[i], 0);
        }

        RopeDescription rope =
            random.Next(2) == 0 ? Layouts.Rope(attention) : FamilyOperations.AnyRope(random, attention.HeadDim);
        DeviceRope referenceRope = twin.Reference.CreateRope(rope);
        DeviceRope cpuRope = twin.Cpu.CreateRope(rope);
        twin.BeginStep();
        twin.Reference.RotateAndStore(qkv.Reference, 1, attention, referenceRope);
        twin.Cpu.RotateAndStore(qkv.Cpu, 1, attention, cpuRope);
        twin.Reference.Attend(qkv.Reference, 1, attention, y.Reference);
        twin.Cpu.Attend(qkv.Cpu, 1, attention, y.Cpu);
        for (int row = 0; row < rows; row++)
        {
            int queries = attention.Heads * attention.HeadDim;
            Assert.That(Twin.Read(qkv.Cpu, row)[..queries], Is.EqualTo(Twin.Read(qkv.Reference, row)[..queries]), "rotated queries");
            float[] expected = Twin.Read(y.Reference, row);
            float[] actual = Twin.Read(y.Cpu, row);
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.That(actual[i], Is.EqualTo(expected[i]).Within(ToleranceOf(layout)), $"row {row}, column {i}");
            }
        }
    }

    [Test]
    public void Long_contexts_agree_with_the_Reference(
        [Values(0, 1, 2, 3)] int type, [Values(511, 512, 513, 1100)] int position, [Values(null, 600)] int? window)
    {
        // The last rows of a sequence only: the reference takes its time. The segments are 512 positions long.
        GroupedAttention attention = Layouts.Attention(2, 1, 8, window);
        const int Chunk = 400;
        using var twin = new Twin(position, Chunk, threads: 2);
        KvLayout layout = Layouts.For(Twin.CacheTypes[type], 16, attention);
        int[][] tables = AnyTables(twin.Random, layout, [position + 1], out int pages);
        twin.AllocatePages(layout, pages);
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(RowSet.Step, 16, Chunk);
        DeviceRope referenceRope = twin.Reference.CreateRope(Layouts.Rope(attention));
        DeviceRope cpuRope = twin.Cpu.CreateRope(Layouts.Rope(attention));
        for (int first = 0; first <= position; first += Chunk)
        {
            int count = Math.Min(Chunk, position + 1 - first);
            (DeviceRows Reference, DeviceRows Cpu) qkv = twin.Rows(RowSet.Step, 32, count, size: 3);
            twin.Plan.Clear();
            twin.Plan.AddSlice(new int[count], first, tables[0].AsSpan(0, layout.PagesFor(first + count)), 0);
            twin.BeginStep();
            twin.Reference.RotateAndStore(qkv.Reference, 0, attention, referenceRope);
            twin.Cpu.RotateAndStore(qkv.Cpu, 0, attention, cpuRope);
            if (first + count > position)
            {
                twin.Plan.Clear();
                twin.Plan.AddSlice([0], position, tables[0], 0);
                Twin.Write(qkv.Reference, 0, Twin.Read(qkv.Reference, count - 1));
                Twin.Write(qkv.Cpu, 0, Twin.Read(qkv.Cpu, count - 1));
                twin.BeginStep();
                twin.Reference.Attend(qkv.Reference, 0, attention, y.Reference);
                twin.Cpu.Attend(qkv.Cpu, 0, attention, y.Cpu);
            }
        }

        Assert.That(Twin.Read(y.Cpu, 0), Is.EqualTo(Twin.Read(y.Reference, 0)).Within(ToleranceOf(layout)));
    }

    [SeededProperty(MaxTest = 25)]
    public void A_row_has_the_same_bits_in_any_chunks_beside_any_other_rows_on_any_number_of_threads(int seed)
    {
        var random = new Random(seed);
        GroupedAttention attention = AnyAttention(random);
        int length = random.Next(1, random.Next(4) == 0 ? 1300 : 200);
        int pageTokens = 1 << random.Next(0, 6);
        TensorType type = Twin.CacheTypes[random.Next(4)];
        float[][]? expected = null;
        for (int threads = 1; threads <= 3; threads++)
        {
            float[][] actual = RunInChunks(seed, random, attention, type, pageTokens, length, threads);
            expected ??= actual;
            Assert.That(actual, Is.EqualTo(expected));
        }
    }

    [SeededProperty(MaxTest = 20)]
    public void What_is_kept_of_a_token_in_8_bits_is_what_the_Reference_keeps_to_the_bit(int seed)
    {
        var random = new Random(seed);
        GroupedAttention attention = AnyAttention(random);
        int rows = random.Next(1, 40);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5));
        KvLayout layout = Layouts.For(TensorType.I8, 1 << random.Next(0, 6), attention);
        int[][] tables = AnyTables(random, layout, [rows], out int pages);
        twin.AllocatePages(layout, pages);
        int d = attention.HeadDim;
        (DeviceRows Reference, DeviceRows Cpu) qkv =
            twin.Rows(RowSet.Step, (attention.Heads + (2 * attention.KeyValueHeads)) * d, rows, size: 3);
        twin.Plan.AddSlice(new int[rows], 0, tables[0], 0);
        DeviceRope referenceRope = twin.Reference.CreateRope(Layouts.Rope(attention));
        DeviceRope cpuRope = twin.Cpu.CreateRope(Layouts.Rope(attention));
        twin.BeginStep();
        twin.Reference.RotateAndStore(qkv.Reference, 0, attention, referenceRope);
        twin.Cpu.RotateAndStore(qkv.Cpu, 0, attention, cpuRope);
        LayerBlock block = layout.Layers[0];
        byte[] expected = new byte[layout.PageBytes], actual = new byte[layout.PageBytes];
        for (int position = 0; position < rows; position++)
        {
            (int page, int slot) = Math.DivRem(position, layout.PageTokens);
            twin.Reference.Pages.Read(tables[0][page], 0, expected);
            twin.Cpu.Pages.Read(tables[0][page], 0, actual);
            for (int head = 0; head < attention.KeyValueHeads; head++)
            {
                int keys = (int)(block.KeyOffset + (head * block.HeadBytes)), values = (int)(block.ValueOffset + (head * block.HeadBytes));
                int token = slot * ((d + 15) & ~15), scale = (int)block.ScaleOffset + (4 * slot);
                Assert.That(
                    Enumerable.Range(0, d).Select(i => actual[keys + (i * layout.PageTokens) + slot]),
                    Is.EqualTo(expected.AsSpan(keys + token, d).ToArray()), "keys, which the Cpu keeps column by column");
                Assert.That(
                    actual.AsSpan(values + (slot * d), d).ToArray(), Is.EqualTo(expected.AsSpan(values + token, d).ToArray()), "values");
                Assert.That(
                    actual.AsSpan(keys + scale, 4).ToArray(), Is.EqualTo(expected.AsSpan(keys + scale, 4).ToArray()), "scales of keys");
                Assert.That(
                    actual.AsSpan(values + scale, 4).ToArray(), Is.EqualTo(expected.AsSpan(values + scale, 4).ToArray()),
                    "scales of values");
            }
        }
    }

    /// <summary>Of heads that are read from the pages directly where few rows share a task, and of others, which never are.</summary>
    [Test]
    public void A_value_that_is_not_finite_reaches_no_row_that_does_not_see_it(
        [Values(0, 1, 2, 3)] int type, [Values(null, 20)] int? window, [Values(16, 24)] int columns, [Values(1, 3)] int threads)
    {
        GroupedAttention attention = Layouts.Attention(2, 2, columns, window);
        using var sequence = new CpuSequence(attention, Twin.CacheTypes[type], NotFiniteChecks.Length, threads);
        NotFiniteChecks.Values(sequence, attention, Twin.CacheTypes[type]);
    }

    /// <summary>The first row of a segment, alone and in a chunk.</summary>
    [Test]
    public void Scores_that_are_no_numbers_are_not_left_out([Values(0, 1, 2, 3)] int type, [Values(16, 24)] int columns)
    {
        GroupedAttention attention = Layouts.Attention(2, 1, columns);
        using var sequence = new CpuSequence(attention, Twin.CacheTypes[type], 520, threads: 2);
        NotFiniteChecks.Keys(sequence, attention, 512, new Chunk(512, 1), new Chunk(508, 12));
    }

    /// <summary>Keys that are −∞ where queries are positive: in a segment, in blocks at its border, everywhere.</summary>
    [Test]
    public void Scores_of_minus_infinity_have_no_weight_as_in_the_Reference(
        [Values(0, 1, 2)] int type, [Values(0, 512, 960)] int from, [Values(512, 576, 1024, 1100)] int to, [Values] bool hasSinks,
        [Values(1, 12)] int rows)
    {
        const int Length = 1050;
        GroupedAttention attention = Layouts.Attention(2, 1, 16);
        using var twin = new Twin(from, Length, threads: 2);
        KvLayout layout = Layouts.For(Twin.CacheTypes[type], 16, attention);
        int[][] tables = AnyTables(twin.Random, layout, [Length], out int pages);
        twin.AllocatePages(layout, pages);
        (DeviceRows Reference, DeviceRows Cpu) qkv = twin.Rows(RowSet.Step, 64, Length);
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(RowSet.Step, 32, Length);
        for (int row = 0; row < Length; row++)
        {
            float[] numbers = Twin.Read(qkv.Cpu, row);
            numbers[0] = numbers[16] = 1;
            numbers[32] = row >= from && row < to ? float.NegativeInfinity : numbers[32];
            Twin.Write(qkv.Reference, row, numbers);
            Twin.Write(qkv.Cpu, row, numbers);
        }

        WeightSource sinks = twin.Weight(TensorType.F32, 1, 2);
        var unrotated = new RopeDescription { InverseFrequencies = [] };
        twin.Plan.AddSlice(new int[Length], 0, tables[0], 0);
        twin.BeginStep();
        twin.Reference.RotateAndStore(qkv.Reference, 0, attention, twin.Reference.CreateRope(unrotated));
        twin.Cpu.RotateAndStore(qkv.Cpu, 0, attention, twin.Cpu.CreateRope(unrotated));
        twin.Plan.Clear();
        twin.Plan.AddSlice(new int[rows], Length - rows, tables[0], 0);
        twin.BeginStep();
        twin.Reference.Attend(qkv.Reference, 0, attention, y.Reference, hasSinks ? twin.Reference.LoadVector(sinks) : null);
        twin.Cpu.Attend(qkv.Cpu, 0, attention, y.Cpu, hasSinks ? twin.Cpu.LoadVector(sinks) : null);
        for (int row = 0; row < rows; row++)
        {
            Assert.That(Twin.Read(y.Cpu, row), Is.EqualTo(Twin.Read(y.Reference, row)).Within(ToleranceOf(layout)), $"row {row}");
        }

        Assert.That(float.IsNaN(Twin.Read(y.Cpu, 0)[0]), Is.EqualTo(from == 0 && to > Length && !hasSinks));
    }

    /// <summary>One sequence in chunks of random sizes, other sequences of random lengths before and behind it.</summary>
    private static float[][] RunInChunks(
        int seed, Random random, GroupedAttention attention, TensorType type, int pageTokens, int length, int threads)
    {
        const int OtherRows = 20;
        using var twin = new Twin(seed, length + (2 * OtherRows), threads: threads, machineCode: MachineCodeOf(threads));
        KvLayout layout = Layouts.For(type, pageTokens, attention);
        int[][] tables = AnyTables(random, layout, [length, OtherRows, OtherRows], out int pages);
        twin.AllocatePages(layout, pages);
        FillPages(twin, pages, layout.PageBytes);
        int width = (attention.Heads + (2 * attention.KeyValueHeads)) * attention.HeadDim;
        float[][] inputs = [.. Enumerable.Range(0, length).Select(_ => twin.Numbers(width))];
        var results = new List<float[]>();
        DeviceRows qkv = twin.Cpu.CreateRows(RowSet.Step, width);
        DeviceRows y = twin.Cpu.CreateRows(RowSet.Step, attention.Heads * attention.HeadDim);
        DeviceRope rope = twin.Cpu.CreateRope(Layouts.Rope(attention));
        for (int position = 0; position < length;)
        {
            int count = threads == 1 ? length : Math.Min(length - position, random.Next(1, random.Next(2) == 0 ? 4 : 100));
            int before = random.Next(OtherRows);
            int behind = random.Next(OtherRows);
            twin.Plan.Clear();
            Add(before, 0, tables[1]);
            int first = Add(count, position, tables[0]);
            Add(behind, 0, tables[2]);
            for (int row = 0; row < twin.Plan.RowCount; row++)
            {
                bool own = row >= first && row < first + count;
                Twin.Write(qkv, row, own ? inputs[position + row - first] : twin.Numbers(width));
            }

            twin.Cpu.BeginStep(twin.Plan);
            twin.Cpu.RotateAndStore(qkv, 0, attention, rope);
            twin.Cpu.Attend(qkv, 0, attention, y);
            results.AddRange(Enumerable.Range(first, count).Select(row => Twin.Read(y, row)));
            position += count;
        }

        return [.. results];

        int Add(int rows, int position, int[] table)
            => rows == 0
                ? twin.Plan.RowCount
                : twin.Plan.AddSlice(new int[rows], position, table.AsSpan(0, layout.PagesFor(position + rows)), 0);
    }

    /// <summary>
    /// A mean of values below 3 with weights whose exponents are exact to about 1e-6. Of integers the Cpu sums before it scales and the
    /// Reference scales before it sums: 64 steps that round scores of up to 72 by 6e-8 each are 4e-6 more as a rule.
    /// </summary>
    private static float ToleranceOf(KvLayout layout) => layout.HasScales ? 6e-5f : 2e-5f;

    /// <summary>Results with machine code and without are compared where numbers of threads are.</summary>
    private static MachineCodeUse MachineCodeOf(int threads) => threads == 2 ? MachineCodeUse.Off : MachineCodeUse.Automatic;

    private static GroupedAttention AnyAttention(Random random)
    {
        int keyValueHeads = random.Next(1, 4);
        int group = random.Next(4) == 0 ? random.Next(1, 20) : random.Next(1, 5);
        int? window = random.Next(3) == 0 ? random.Next(1, 200) : null;
        float? cap = random.Next(3) == 0 ? random.Next(1, 60) : null;
        return Layouts.Attention(keyValueHeads * group, keyValueHeads, Dims[random.Next(Dims.Length)], window) with { ScoreCap = cap };
    }

    private static int[][] AnyTables(Random random, KvLayout layout, int[] lengths, out int pages)
    {
        pages = lengths.Sum(layout.PagesFor) + 2;
        int[] order = [.. Enumerable.Range(0, pages)];
        random.Shuffle(order);
        int next = 0;
        var tables = new int[lengths.Length][];
        for (int i = 0; i < lengths.Length; i++)
        {
            int count = layout.PagesFor(lengths[i]);
            tables[i] = order[next..(next + count)];
            next += count;
        }

        return tables;
    }

    /// <summary>Pages come with whatever was in them: here with NaN.</summary>
    private static void FillPages(Twin twin, int pages, long pageBytes)
    {
        var rubbish = new byte[pageBytes];
        rubbish.AsSpan().Fill(0xFF);
        for (int page = 0; page < pages; page++)
        {
            twin.Cpu.Pages.Write(page, 0, rubbish);
        }
    }
}
