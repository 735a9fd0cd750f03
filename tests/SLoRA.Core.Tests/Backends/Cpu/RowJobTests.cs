using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>The operations that take each row by itself.</summary>
public sealed class RowJobTests
{
    [SeededProperty(MaxTest = 60)]
    public void Norms_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5));
        int width = AnyWidth(random);
        int heads = random.Next(1, 4);
        WeightSource weight = twin.Weight(twin.AnyType(), 1, width);
        DeviceVector reference = twin.Reference.LoadVector(weight);
        DeviceVector cpu = twin.Cpu.LoadVector(weight);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, width, rows);
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(RowSet.Step, width, rows);
        (DeviceRows Reference, DeviceRows Cpu) z = twin.Rows(RowSet.Step, 5 + (heads * width) + 3, rows);
        twin.Plan.AddSlice(new int[rows], 0, [], 0);
        twin.BeginStep();
        twin.Reference.Norm(x.Reference, reference, 1e-5f, y.Reference);
        twin.Cpu.Norm(x.Cpu, cpu, 1e-5f, y.Cpu);
        twin.Reference.NormHeads(z.Reference, 5, heads, reference, 1e-5f);
        twin.Cpu.NormHeads(z.Cpu, 5, heads, cpu, 1e-5f);
        AssertClose(y, rows, 2e-6f);
        AssertClose(z, rows, 2e-6f);
    }

    [SeededProperty(MaxTest = 40)]
    public void A_sum_and_its_norm_have_the_bits_of_one_after_the_other(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5));
        int width = AnyWidth(random);
        DeviceVector weight = twin.Cpu.LoadVector(twin.Weight(twin.AnyType(), 1, width));
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, width, rows);
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(RowSet.Step, width, rows);
        DeviceRows together = twin.Rows(RowSet.Step, width, rows).Cpu;
        DeviceRows apart = twin.Rows(RowSet.Step, width, rows).Cpu;
        twin.Plan.AddSlice(new int[rows], 0, [], 0);
        twin.BeginStep();
        twin.Cpu.AddNorm(x.Cpu, y.Cpu, weight, 1e-5f, together);
        twin.Reference.Add(x.Reference, y.Reference);
        twin.Cpu.Norm(x.Cpu, weight, 1e-5f, apart);
        for (int row = 0; row < rows; row++)
        {
            Assert.That(Twin.Read(x.Cpu, row), Is.EqualTo(Twin.Read(x.Reference, row)));
            Assert.That(Twin.Read(together, row), Is.EqualTo(Twin.Read(apart, row)));
        }
    }

    [SeededProperty(MaxTest = 60)]
    public void Gates_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5));
        int width = AnyWidth(random);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, 2 * width, rows, size: random.Next(1, 200));
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(RowSet.Step, width, rows);
        twin.Plan.AddSlice(new int[rows], 0, [], 0);
        twin.BeginStep();
        twin.Reference.Gate(Activation.Silu, x.Reference, y.Reference);
        twin.Cpu.Gate(Activation.Silu, x.Cpu, y.Cpu);
        AssertClose(y, rows, 1e-6f);
    }

    [SeededProperty(MaxTest = 40)]
    public void Sums_gathers_and_look_ups_have_the_bits_of_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        using var twin = new Twin(seed, rows, rows, random.Next(1, 5));
        int width = AnyWidth(random);
        WeightSource table = twin.Weight(twin.AnyType(), 50, width);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, width, rows);
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(RowSet.Step, width, rows);
        (DeviceRows Reference, DeviceRows Cpu) outputs = twin.Rows(RowSet.Output, width, rows);
        for (int row = 0; row < rows; row++)
        {
            twin.Plan.AddSlice([random.Next(50)], 0, [], random.Next(2));
        }

        twin.BeginStep();
        twin.Reference.Embed(twin.Reference.LoadTable(table), 0, x.Reference);
        twin.Cpu.Embed(twin.Cpu.LoadTable(table), 0, x.Cpu);
        twin.Reference.Add(x.Reference, y.Reference);
        twin.Cpu.Add(x.Cpu, y.Cpu);
        twin.Reference.GatherOutputs(x.Reference, outputs.Reference);
        twin.Cpu.GatherOutputs(x.Cpu, outputs.Cpu);
        for (int row = 0; row < rows; row++)
        {
            Assert.That(Twin.Read(x.Cpu, row), Is.EqualTo(Twin.Read(x.Reference, row)));
        }

        for (int output = 0; output < twin.Plan.OutputCount; output++)
        {
            Assert.That(twin.Cpu.Logits(outputs.Cpu, output).ToArray(), Is.EqualTo(Twin.Read(outputs.Reference, output)));
        }
    }

    /// <summary>Of rows that one thread does alone, or of such that all share.</summary>
    private static int AnyWidth(Random random) => random.Next(2) == 0 ? random.Next(1, 100) : random.Next(1000, 3000);

    private static void AssertClose((DeviceRows Reference, DeviceRows Cpu) rows, int count, float relative)
    {
        for (int row = 0; row < count; row++)
        {
            float[] expected = Twin.Read(rows.Reference, row);
            float[] actual = Twin.Read(rows.Cpu, row);
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.That(actual[i], Is.EqualTo(expected[i])
                    .Within((relative * MathF.Abs(expected[i])) + 1e-30f), $"row {row}, column {i}");
            }
        }
    }
}
