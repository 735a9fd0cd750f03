using System.Globalization;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// What publishing a step while the next one computes gives on the processor: the median step of either order, measured in turn, with a
/// consumer for every row.
/// </summary>
internal static class OverlapBench
{
    private const int Steps = 60;

    /// <summary>Measures and prints.</summary>
    public static void Run(Shape shape, TensorType type, int rows, int adapters, int rounds, int threads)
    {
        using var folder = new RandomModelFolder(shape, type);
        var serial = new double[rounds];
        var overlapped = new double[rounds];
        for (int i = 0; i < rounds; i++)
        {
            serial[i] = Measure(overlaps: false);
            overlapped[i] = Measure(overlaps: true);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{shape.Name} {type}, {rows} decode rows, {adapters} adapters, {threads} threads, ms per step: serial {Text(serial)}; "
            + $"overlapped {Text(overlapped)}; best {100 * ((overlapped.Min() / serial.Min()) - 1):+0.00;-0.00} %"));

        double Measure(bool overlaps) => OverheadBench.Time(
            shape, type, folder.Path, rows, adapters, 0, Steps, (limit, outputs) => new CpuBackend(limit, outputs, threads), overlaps)
            .Median;
    }

    private static string Text(double[] seconds) =>
        string.Join(", ", seconds.Select(value => (value * 1e3).ToString("F2", CultureInfo.InvariantCulture)));
}
