using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>Recurrences, whose matrices are a state of the sequence, and what stands around them in their layers.</summary>
internal sealed class RecurrenceTests
{
    [SeededProperty(MaxTest = 60)]
    public void Recurrences_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        Recurrence shape = FamilyOperations.AnyRecurrence(random);
        int[] lengths = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(1, 40))];
        using var scene = new Scene(seed, shape, lengths.Sum(), lengths.Length, threads: random.Next(1, 4));
        scene.Fill(0, lengths.Sum());
        scene.Run([.. lengths.Select((length, sequence) => (sequence, 0, length))]);
        for (int row = 0; row < lengths.Sum(); row++)
        {
            Assert.That(
                Twin.Read(scene.Result.Cpu, row), Is.EqualTo(Twin.Read(scene.Result.Reference, row)).Within(2e-5), $"row {row}");
        }
    }

    [SeededProperty(MaxTest = 40)]
    public void A_row_has_the_same_bits_in_any_chunks_whoever_is_beside_it_and_on_any_number_of_threads(int seed)
    {
        var random = new Random(seed);
        Recurrence shape = FamilyOperations.AnyRecurrence(random);
        int length = random.Next(1, 60);
        using var whole = new Scene(seed, shape, length, 1, threads: 1);
        whole.Fill(0, length);
        whole.Run((0, 0, length));

        using var parted = new Scene(seed, shape, length + 9, 2, threads: 3);
        for (int first = 0; first < length;)
        {
            int count = Math.Min(random.Next(1, 20), length - first), beside = random.Next(1, 9);
            parted.Fill(first, count);
            parted.FillBeside(count, beside);
            parted.Run((0, first, count), (1, first, beside));
            for (int row = 0; row < count; row++)
            {
                Assert.That(
                    Twin.Read(parted.Result.Cpu, row), Is.EqualTo(Twin.Read(whole.Result.Cpu, first + row)), $"row {first + row}");
            }

            first += count;
        }
    }

    /// <summary>softplus(0) = ln 2, so that a state of rate 1 is halved at each row.</summary>
    [Test]
    public void A_scan_adds_the_step_times_the_value_to_what_has_decayed()
    {
        var shape = new Recurrence
        {
            Heads = 1,
            Groups = 1,
            KeyColumns = 1,
            ValueColumns = 1,
            FirstQuery = 2,
            FirstKey = 1,
            FirstValue = 0,
            FirstStep = 0,
        };
        float[] results = Computed(shape, rate: 1, bias: 0, skip: 10, [[3, 1, 1], [5, 2, 4]], [[0], [0]]);
        float ln2 = MathF.Log(2);

        // S₁ = 3 ln 2; S₂ = S₁ / 2 + 2 · 5 ln 2.
        Assert.That(results, Is.EqualTo((float[])[(3 * ln2) + 30, (4 * ((1.5f * ln2) + (10 * ln2))) + 50]).Within(1e-4));
    }

    /// <summary>Keys and queries of one column are 1 once they have unit length, and sigmoid(0) is a half.</summary>
    [Test]
    public void The_delta_rule_writes_a_share_of_what_the_state_does_not_know_yet()
    {
        var shape = new Recurrence
        {
            Heads = 1,
            Groups = 1,
            KeyColumns = 1,
            ValueColumns = 1,
            FirstQuery = 0,
            FirstKey = 1,
            FirstValue = 2,
            FirstStep = 1,
            FirstStrength = 0,
        };
        float[] results = Computed(shape, rate: 1, bias: 0, skip: null, [[7, 9, 8], [40, 30, 6]], [[0, 0], [0, 0]]);

        // S₁ = 8 / 2; S₂ = 2 + (6 − 2) / 2.
        Assert.That(results, Is.EqualTo((float[])[4, 4]).Within(1e-4));
    }

    [SeededProperty(MaxTest = 40)]
    public void Norms_beside_gates_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 12), heads = random.Next(1, 5), width = random.Next(1, 80);
        bool gatesFirst = random.Next(2) == 0, own = random.Next(2) == 0;
        using var twin = new Twin(seed, rows, threads: random.Next(1, 4));
        WeightSource weight = twin.Weight(twin.AnyType(), 1, own ? heads * width : width);
        DeviceVector reference = twin.Reference.LoadVector(weight), cpu = twin.Cpu.LoadVector(weight);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, heads * width, rows),
            gates = twin.Rows(RowSet.Step, (heads * width) + 7, rows, size: 4);
        twin.Plan.AddSlice(new int[rows], 0, [0], 0);
        twin.BeginStep();
        twin.Reference.NormGated(x.Reference, heads, reference, 1e-5f, gates.Reference, 3, gatesFirst);
        twin.Cpu.NormGated(x.Cpu, heads, cpu, 1e-5f, gates.Cpu, 3, gatesFirst);
        for (int row = 0; row < rows; row++)
        {
            float[] expected = Twin.Read(x.Reference, row), actual = Twin.Read(x.Cpu, row);
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.That(actual[i], Is.EqualTo(expected[i]).Within(2e-5 * (1 + Math.Abs(expected[i]))), $"row {row}, column {i}");
            }
        }
    }

    /// <summary>The mean square of (3, 4) is 12.5, and silu(0) is 0 wherever the gate stands.</summary>
    [Test]
    public void Heads_may_have_weights_of_their_own()
    {
        using var twin = new Twin(1, 1);
        DeviceVector weight = twin.Cpu.LoadVector(twin.Weight(TensorType.F32, 1, 4, Numbers(1, 2, 10, 20)));
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, 4, 0), gates = twin.Rows(RowSet.Step, 4, 0);
        Twin.Write(x.Cpu, 0, [3, 4, 3, 4]);
        Twin.Write(gates.Cpu, 0, [20, 20, 20, 0]);
        twin.Plan.AddSlice([0], 0, [0], 0);
        twin.BeginStep();
        twin.Cpu.NormGated(x.Cpu, 2, weight, 0, gates.Cpu, 0, gatesFirst: false);
        float root = MathF.Sqrt(12.5f);
        Assert.That(Twin.Read(x.Cpu, 0), Is.EqualTo((float[])[20 * 3 / root, 20 * 8 / root, 20 * 30 / root, 0]).Within(1e-4));
    }

    [Test]
    public void Runs_of_columns_go_where_they_belong()
    {
        using var twin = new Twin(1, 1);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, 6, 0), y = twin.Rows(RowSet.Step, 6, 0);
        foreach ((IBackend backend, DeviceRows from, DeviceRows to) in
            ((IBackend, DeviceRows, DeviceRows)[])[(twin.Reference, x.Reference, y.Reference), (twin.Cpu, x.Cpu, y.Cpu)])
        {
            Twin.Write(from, 0, [1, 2, 3, 4, 5, 6]);
            twin.Plan.Clear();
            twin.Plan.AddSlice([0], 0, [0], 0);
            twin.BeginStep();
            backend.Regroup(from, [new ColumnRun(0, 3, 0, 2, 2, 2), new ColumnRun(2, 3, 4, 1, 1, 2)], to);
            Assert.That(Twin.Read(to, 0), Is.EqualTo((float[])[1, 2, 4, 5, 3, 6]));
        }
    }

    private static float[] Computed(Recurrence shape, float rate, float bias, float? skip, float[][] x, float[][] steps)
    {
        using var twin = new Twin(1, x.Length);
        KvLayout layout = KvLayout.For([new KeptState(null, shape.State)], TensorType.F32, 16);
        twin.AllocatePages(layout, 1 + layout.StatePages);
        twin.Cpu.Pages.Clear(1);
        (DeviceRows Reference, DeviceRows Cpu) inputs = twin.Rows(RowSet.Step, x[0].Length, 0),
            ofSteps = twin.Rows(RowSet.Step, steps[0].Length, 0), y = twin.Rows(RowSet.Step, shape.Width, 0);
        for (int row = 0; row < x.Length; row++)
        {
            Twin.Write(inputs.Cpu, row, x[row]);
            Twin.Write(ofSteps.Cpu, row, steps[row]);
        }

        DeviceVector Vector(float number) => twin.Cpu.LoadVector(twin.Weight(TensorType.F32, 1, 1, () => number));
        twin.Plan.AddSlice(new int[x.Length], 0, [0], 0, [1]);
        twin.BeginStep();
        twin.Cpu.Recur(
            inputs.Cpu, ofSteps.Cpu, new LoadedRecurrence(shape, Vector(rate), Vector(bias), skip is { } s ? Vector(s) : null), 0, y.Cpu);
        return [.. Enumerable.Range(0, x.Length).Select(row => Twin.Read(y.Cpu, row)[0])];
    }

    private static Func<float> Numbers(params float[] numbers)
    {
        int next = 0;
        return () => numbers[next++];
    }

    /// <summary>A recurrence on both backends, with inputs that depend on the position alone.</summary>
    private sealed class Scene : IDisposable
    {
        private readonly Twin _twin;
        private readonly Recurrence _shape;
        private readonly KvLayout _layout;
        private readonly LoadedRecurrence _reference;
        private readonly LoadedRecurrence _cpu;
        private readonly (DeviceRows Reference, DeviceRows Cpu) _x;
        private readonly (DeviceRows Reference, DeviceRows Cpu) _steps;
        private readonly int _seed;

        public Scene(int seed, Recurrence shape, int rows, int sequences, int threads)
        {
            _seed = seed;
            _shape = shape;
            _twin = new Twin(seed, rows, threads: threads);

            // Another state lies before this one.
            _layout = KvLayout.For([new KeptState(null, new StateShape(1, 5), shape.State)], TensorType.F32, 16);
            _twin.AllocatePages(_layout, 1 + (sequences * _layout.StatePages));
            for (int page = 1; page <= sequences * _layout.StatePages; page++)
            {
                _twin.Reference.Pages.Clear(page);
                _twin.Cpu.Pages.Clear(page);
            }

            (DeviceVector Reference, DeviceVector Cpu) rate = Vector(0.01f, 3), bias = Vector(-1, 1), skip = Vector(-1, 1);
            bool skips = seed % 3 == 0;
            _reference = new LoadedRecurrence(shape, rate.Reference, bias.Reference, skips ? skip.Reference : null);
            _cpu = new LoadedRecurrence(shape, rate.Cpu, bias.Cpu, skips ? skip.Cpu : null);
            _x = _twin.Rows(RowSet.Step, shape.FirstValue + shape.Width, 0);
            _steps = _twin.Rows(RowSet.Step, shape.FirstStep + shape.Heads, 0);
            Result = _twin.Rows(RowSet.Step, shape.Width, 0);
        }

        public (DeviceRows Reference, DeviceRows Cpu) Result { get; }

        /// <summary>The inputs of positions from one on, in the first rows.</summary>
        public void Fill(int position, int count)
        {
            for (int row = 0; row < count; row++)
            {
                Fill(row, new Random(_seed + position + row));
            }
        }

        /// <summary>Other inputs in rows from one on.</summary>
        public void FillBeside(int first, int count)
        {
            for (int row = first; row < first + count; row++)
            {
                Fill(row, _twin.Random);
            }
        }

        public void Run(params (int Sequence, int First, int Count)[] slices)
        {
            _twin.Plan.Clear();
            foreach ((int sequence, int first, int count) in slices)
            {
                _twin.Plan.AddSlice(
                    new int[count], first, [0], 0,
                    [.. Enumerable.Range(1 + (sequence * _layout.StatePages), _layout.StatePages)]);
            }

            _twin.BeginStep();
            _twin.Reference.Recur(_x.Reference, _steps.Reference, _reference, 1, Result.Reference);
            _twin.Cpu.Recur(_x.Cpu, _steps.Cpu, _cpu, 1, Result.Cpu);
        }

        public void Dispose() => _twin.Dispose();

        private void Fill(int row, Random random)
        {
            foreach ((DeviceRows reference, DeviceRows cpu) in ((DeviceRows, DeviceRows)[])[_x, _steps])
            {
                float[] values = [.. Enumerable.Range(0, cpu.Width).Select(_ => (float)((random.NextDouble() * 2) - 1))];
                Twin.Write(reference, row, values);
                Twin.Write(cpu, row, values);
            }
        }

        private (DeviceVector Reference, DeviceVector Cpu) Vector(float least, float most)
        {
            WeightSource weight = _twin.Weight(
                TensorType.F32, 1, _shape.Heads, () => least + ((most - least) * (float)_twin.Random.NextDouble()));
            return (_twin.Reference.LoadVector(weight), _twin.Cpu.LoadVector(weight));
        }
    }
}
