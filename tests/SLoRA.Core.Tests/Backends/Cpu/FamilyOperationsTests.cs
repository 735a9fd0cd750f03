using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Models.Families;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>The operations that only some families have.</summary>
internal sealed class FamilyOperationsTests
{
    private const float Epsilon = 1e-5f;

    [SeededProperty(MaxTest = 60)]
    public void Layer_norms_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5));
        int width = random.Next(2) == 0 ? random.Next(2, 100) : random.Next(1000, 3000);
        WeightSource weight = twin.Weight(twin.AnyType(), 1, width);
        WeightSource? bias = random.Next(2) == 0 ? twin.Weight(twin.AnyType(), 1, width) : null;
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, width, rows);
        twin.Plan.AddSlice(new int[rows], 0, [], 0);
        twin.BeginStep();
        twin.Reference.LayerNorm(
            x.Reference, twin.Reference.LoadVector(weight), bias is { } r ? twin.Reference.LoadVector(r) : null, Epsilon, x.Reference);
        twin.Cpu.LayerNorm(x.Cpu, twin.Cpu.LoadVector(weight), bias is { } c ? twin.Cpu.LoadVector(c) : null, Epsilon, x.Cpu);
        AssertClose(x, rows, 1e-5f);
    }

    [Test]
    public void A_layer_norm_takes_mean_and_deviation_away()
    {
        using var twin = new Twin(1, 1);
        WeightSource ones = twin.Weight(TensorType.F32, 1, 4, () => 2);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, 4, 0);
        Twin.Write(x.Reference, 0, [1, 3, 5, 7]);
        Twin.Write(x.Cpu, 0, [1, 3, 5, 7]);
        twin.Plan.AddSlice([0], 0, [], 0);
        twin.BeginStep();
        twin.Reference.LayerNorm(x.Reference, twin.Reference.LoadVector(ones), twin.Reference.LoadVector(ones), 0, x.Reference);
        twin.Cpu.LayerNorm(x.Cpu, twin.Cpu.LoadVector(ones), twin.Cpu.LoadVector(ones), 0, x.Cpu);

        // Mean 4, variance 5.
        float[] expected = [.. new[] { -3, -1, 1, 3 }.Select(value => (float)((2 * value / Math.Sqrt(5)) + 2))];
        Assert.That(Twin.Read(x.Reference, 0), Is.EqualTo(expected).Within(1e-6));
        Assert.That(Twin.Read(x.Cpu, 0), Is.EqualTo(expected).Within(1e-6));
    }

    [Test]
    public void Functions_agree_with_the_Reference_and_leave_other_columns(
        [Range(0, 7)] int function, [Values(1, 15, 16, 33, 3000)] int columns, [Values(1, 30)] int size)
    {
        const int Rows = 5;
        using var twin = new Twin(function, Rows, threads: 2);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, columns + 7, Rows, size);
        float[][] before = [.. Enumerable.Range(0, Rows).Select(row => Twin.Read(x.Cpu, row))];
        twin.Plan.AddSlice(new int[Rows], 0, [], 0);
        twin.BeginStep();
        ElementFunction f = FamilyOperations.Functions[function];
        twin.Reference.Apply(f, x.Reference, 3, columns);
        twin.Cpu.Apply(f, x.Cpu, 3, columns);
        AssertClose(x, Rows, 2e-6f, absolute: 1e-6f * size);
        for (int row = 0; row < Rows; row++)
        {
            float[] after = Twin.Read(x.Cpu, row);
            Assert.That(after[..3].Concat(after[(columns + 3)..]), Is.EqualTo(before[row][..3].Concat(before[row][(columns + 3)..])));
        }
    }

    [TestCase(Activation.Gelu, 1.0, 0.8413447460685429)]
    [TestCase(Activation.Gelu, -2.0, -0.04550026389635842)]
    [TestCase(Activation.Gelu, 0.0, 0.0)]
    [TestCase(Activation.GeluTanh, 1.0, 0.8411919906082768)]
    [TestCase(Activation.GeluTanh, -2.0, -0.04540230591222494)]
    public void Both_forms_of_GELU_have_their_published_values(Activation activation, double at, double expected)
    {
        using var twin = new Twin(1, 1);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, 2, 0);
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(RowSet.Step, 1, 0);
        Twin.Write(x.Reference, 0, [(float)at, 1]);
        Twin.Write(x.Cpu, 0, [(float)at, 1]);
        twin.Plan.AddSlice([0], 0, [], 0);
        twin.BeginStep();
        twin.Reference.Gate(activation, x.Reference, y.Reference);
        twin.Cpu.Gate(activation, x.Cpu, y.Cpu);
        Assert.That(Twin.Read(y.Reference, 0)[0], Is.EqualTo(expected).Within(2e-7));
        Assert.That(Twin.Read(y.Cpu, 0)[0], Is.EqualTo(expected).Within(5e-7));
    }

    [SeededProperty(MaxTest = 60)]
    public void Rotations_have_the_bits_of_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20), heads = random.Next(1, 4), dim = 2 * random.Next(1, 40);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5));
        RopeDescription rope = FamilyOperations.AnyRope(random, dim);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, 3 + (heads * dim) + 2, rows);
        DeviceRope reference = twin.Reference.CreateRope(rope), cpu = twin.Cpu.CreateRope(rope);
        twin.Plan.AddSlice(new int[rows], random.Next(50), [], 0, knownLength: random.Next(100));
        twin.BeginStep();
        twin.Reference.Rotate(x.Reference, 3, heads, dim, reference);
        twin.Cpu.Rotate(x.Cpu, 3, heads, dim, cpu);
        for (int row = 0; row < rows; row++)
        {
            Assert.That(Twin.Read(x.Cpu, row), Is.EqualTo(Twin.Read(x.Reference, row)));
        }
    }

    [Test]
    public void A_rotation_turns_the_pairs_that_it_says()
    {
        using var twin = new Twin(1, 1);
        var halves = new RopeDescription { InverseFrequencies = [(float)(Math.PI / 2), 0] };
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, 10, 0);
        DeviceRope[] reference = [.. new[] { halves, halves with { AdjacentPairs = true } }.Select(twin.Reference.CreateRope)];
        twin.Plan.AddSlice([0], 1, [], 0);
        twin.BeginStep();
        Twin.Write(x.Reference, 0, [1, 2, 3, 4, 9, 1, 2, 3, 4, 9]);
        twin.Reference.Rotate(x.Reference, 0, 1, 5, reference[0]);
        twin.Reference.Rotate(x.Reference, 5, 1, 5, reference[1]);
        Assert.That(Twin.Read(x.Reference, 0), Is.EqualTo((float[])[-3, 2, 1, 4, 9, -2, 1, 3, 4, 9]).Within(1e-6));
    }

    [Test]
    public void Rows_of_a_long_sequence_turn_by_the_length_that_was_known()
    {
        // A row of a prompt of 60 tokens turns as the last one does, wherever its chunk ends; behind the prompt rows have their own length.
        var rope = new RopeDescription
        {
            InverseFrequencies = [1, 0.01f],
            Lengths = new DynamicLengths(10000, 4, 2, 40),
        };
        using var twin = new Twin(1, 4);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, 4, 0);
        DeviceRope reference = twin.Reference.CreateRope(rope), cpu = twin.Cpu.CreateRope(rope);
        twin.Plan.AddSlice([0, 0], 30, [], 0, knownLength: 60);
        twin.Plan.AddSlice([0], 65, [], 0, knownLength: 60);
        twin.Plan.AddSlice([0], 30, [], 0, knownLength: 40);
        for (int row = 0; row < 4; row++)
        {
            Twin.Write(x.Reference, row, [1, 1, 0, 0]);
            Twin.Write(x.Cpu, row, [1, 1, 0, 0]);
        }

        twin.BeginStep();
        twin.Reference.Rotate(x.Reference, 0, 1, 4, reference);
        twin.Cpu.Rotate(x.Cpu, 0, 1, 4, cpu);
        double[] expected = [Slow(30, 60), Slow(31, 60), Slow(65, 66), Math.Cos(0.3)];
        Assert.That(Enumerable.Range(0, 4).Select(row => Twin.Read(x.Reference, row)[1]), Is.EqualTo(expected).Within(1e-6));
        Assert.That(Enumerable.Range(0, 4).Select(row => Twin.Read(x.Cpu, row)[1]), Is.EqualTo(expected).Within(1e-6));

        // d is 4: the second frequency is base^(-1/2), the base goes up by the power 4 / 2 of the stretch.
        static double Slow(int position, int length) =>
            Math.Cos(position / Math.Sqrt(10000 * Math.Pow((2.0 * length / 40) - 1, 2)));
    }

    [SeededProperty(MaxTest = 30)]
    public void Factors_of_positions_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20), width = random.Next(2, 300);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5));
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, width, rows);
        twin.Plan.AddSlice(new int[rows], random.Next(5000), [], 0);
        twin.BeginStep();
        var scale = new PositionScale(0.3f, random.Next(1, 100), random.Next(2));
        twin.Reference.ScaleByPosition(scale, x.Reference, width - 1);
        twin.Cpu.ScaleByPosition(scale, x.Cpu, width - 1);
        AssertClose(x, rows, 1e-7f);
    }

    private static void AssertClose((DeviceRows Reference, DeviceRows Cpu) rows, int count, float relative, float absolute = 1e-6f)
    {
        for (int row = 0; row < count; row++)
        {
            float[] expected = Twin.Read(rows.Reference, row), actual = Twin.Read(rows.Cpu, row);
            for (int i = 0; i < expected.Length; i++)
            {
                float bound = (relative * MathF.Abs(expected[i])) + absolute;
                Assert.That(actual[i], Is.EqualTo(expected[i]).Within(bound), $"row {row}, column {i}");
            }
        }
    }
}
