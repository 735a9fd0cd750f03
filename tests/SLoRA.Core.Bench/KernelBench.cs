using System.Diagnostics;
using System.Globalization;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Bench;

/// <summary>The products of a step, one by one: operations and weight bytes per second beside what the machine can do.</summary>
internal static class KernelBench
{
    private static readonly int[] RowCounts = [1, 16, 128];

    /// <summary>Measures and prints a table.</summary>
    public static void Run(Shape shape, BaseWeights type, int threads)
    {
        double operations = Ceiling(type, threads);
        double bytes = Ceilings.Read(threads);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{shape.Name} {type.Name}, {threads} threads, {InstructionSets.VectorBits} bits; ceilings: {operations:F0} GFLOP/s, "
            + $"{bytes:F1} GB/s"));
        foreach (KernelTime product in Measure(shape, type, threads))
        {
            double flops = product.Operations / product.Seconds / 1e9;
            double speed = product.Bytes / product.Seconds / 1e9;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {product.Name,-11} [{product.Outputs,6} x {product.Inputs,5}] rows {product.Rows,3}: {flops,6:F1} GFLOP/s "
                + $"({flops / operations,4:P0})  {speed,6:F1} GB/s ({speed / bytes,4:P0})  {product.Seconds * 1e3,8:F3} ms"));
        }
    }

    /// <summary>10⁹ operations per second that this machine can do with such weights.</summary>
    public static double Ceiling(BaseWeights type, int threads) =>
        type.IsQuantized ? Ceilings.Integers(threads) : Ceilings.MultiplyAdd(threads);

    /// <summary>Every product of a step, by each number of rows.</summary>
    public static IEnumerable<KernelTime> Measure(Shape shape, BaseWeights type, int threads)
    {
        long largest = shape.Products().Max(static product => (long)product.Inputs * product.Outputs.Max());
        using var weights = new RandomWeights(type.Stored, largest, type.Blocks);
        using var backend = new CpuBackend(128, 128, threads, type.Kept, precision: type.Precision);
        foreach ((string name, int inputs, int[] outputs, int count) in shape.Products())
        {
            // As many copies as the model has, so that one row reads them from memory and not from a cache.
            LinearGroup[] groups = [.. Enumerable.Range(0, count).Select(_ => new LinearGroup(
                [.. outputs.Select(output => new LinearPart(backend.LoadMatrix(weights.Next(output, inputs)), null, 0))]))];
            // Rows that are no whole blocks are of another type, as in files.
            bool isWhole = type.Blocks is null || inputs % type.Blocks.BlockElements == 0;
            (string label, double bytes) = isWhole ? (name, type.Bytes) : ($"{name} {type.Stored}", type.Stored.ElementSize());
            DeviceRows x = backend.CreateRows(RowSet.Step, inputs);
            DeviceRows y = backend.CreateRows(RowSet.Step, groups[0].Outputs);
            foreach (int rows in RowCounts)
            {
                Fill(x, rows);
                var plan = new StepPlan(rows, 0);
                plan.AddSlice(new int[rows], 0, [], 0);
                backend.BeginStep(plan);
                double seconds = Best(groups.Length, i => backend.Linear(groups[i], x, y));
                double weightCount = (double)inputs * groups[0].Outputs * count;
                yield return new KernelTime(
                    label, groups[0].Outputs, inputs, rows, 2 * weightCount * rows, weightCount * bytes, seconds);
            }
        }
    }

    private static unsafe void Fill(DeviceRows x, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < x.Width; i++)
            {
                ((CpuRows)x).Row(row)[i] = (((row * 7) + (i * 13)) % 32 / 16f) - 1;
            }
        }
    }

    /// <summary>
    /// Runs all items in turn, at least 5 times and for 0.4 seconds, and adds up the best time of each: another program that takes the
    /// processor for a while spoils only what it meets.
    /// </summary>
    private static double Best(int items, Action<int> run)
    {
        double[] best = new double[items];
        Array.Fill(best, double.MaxValue);
        long first = Stopwatch.GetTimestamp();
        for (int round = 0; round < 6 || Stopwatch.GetElapsedTime(first).TotalSeconds < 0.4; round++)
        {
            for (int i = 0; i < items; i++)
            {
                long start = Stopwatch.GetTimestamp();
                run(i);
                best[i] = Math.Min(best[i], Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        return best.Sum();
    }
}

/// <summary>How long a product of all layers takes.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Outputs">Outputs, of all its parts.</param>
/// <param name="Inputs">Inputs.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Operations">Two for each multiply-add.</param>
/// <param name="Bytes">Bytes of weights.</param>
/// <param name="Seconds">The best time.</param>
internal sealed record KernelTime(string Name, int Outputs, int Inputs, int Rows, double Operations, double Bytes, double Seconds);
