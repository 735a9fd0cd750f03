using System.Globalization;
using System.Text.Json;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Bench;

/// <summary>
/// Whether kernels still reach the share of the machine's limits that they once had: figures beside a table of least shares for the width
/// of the machine's vectors. Shares travel from one machine to another of that width, times would not.
/// </summary>
internal static class GuardBench
{
    private const string PackingPrefix = "packing";

    /// <summary>Measures, prints a table, and says whether every figure is at least what the file asks for.</summary>
    /// <param name="threads">Threads.</param>
    /// <param name="file">Least figures: <c>{ "512": { "figure": 0.8 } }</c>.</param>
    /// <returns>0, or 1 if a figure is below.</returns>
    public static int Run(int threads, string file)
    {
        string width = InstructionSets.VectorBits.ToString(CultureInfo.InvariantCulture);
        Dictionary<string, Dictionary<string, double>> table =
            JsonSerializer.Deserialize<Dictionary<string, Dictionary<string, double>>>(File.ReadAllText(file))!;
        Dictionary<string, double> least = table.GetValueOrDefault(width) ?? [];
        Console.WriteLine($"vectors of {width} bits, {threads} threads\n");
        Console.WriteLine("| figure | here | at least | kept |\n| --- | --- | --- | --- |");
        bool all = true;
        foreach ((string name, double value) in Measure(threads))
        {
            bool known = least.TryGetValue(name, out double floor);
            bool kept = known && value >= floor;
            all &= kept;
            Console.WriteLine($"| {name} | {Format(name, value)} | {(known ? Format(name, floor) : "–")} | {(kept ? "yes" : "NO")} |");
        }

        return all ? 0 : 1;
    }

    private static IEnumerable<(string Name, double Value)> Measure(int threads)
    {
        foreach (BaseWeights type in BaseWeights.All)
        {
            double ceiling = KernelBench.Ceiling(type, threads);
            List<KernelTime> products = [.. KernelBench.Measure(Shape.Small, type, threads)];
            foreach (int rows in products.Select(product => product.Rows).Distinct().Where(static rows => rows > 1))
            {
                IEnumerable<KernelTime> those = products.Where(product => product.Rows == rows);
                double speed = those.Sum(product => product.Operations) / those.Sum(product => product.Seconds) / 1e9;
                yield return ($"products {type.Name}, {rows} rows", speed / ceiling);
            }

            yield return ($"{PackingPrefix} {type.Name}", PackingBench.Measure(Shape.Small, type, threads));
        }

        MachineLimits limits = MachineLimits.Measure(threads);
        foreach ((string step, IReadOnlyList<OperatorCall> operators) in
            OperatorBench.Measure(Shape.Small, BaseWeights.BF16, threads, TimeSpan.FromSeconds(1)))
        {
            OperatorCall attention = operators.First(static call => call.Name == "attention");
            yield return ($"attention, {step}", attention.Possible(limits, BaseWeights.BF16) / attention.Seconds);
            yield return ($"whole step, {step}",
                operators.Sum(call => call.Possible(limits, BaseWeights.BF16)) / operators.Sum(static call => call.Seconds));
        }
    }

    private static string Format(string name, double value) => name.StartsWith(PackingPrefix, StringComparison.Ordinal)
        ? value.ToString("F2", CultureInfo.InvariantCulture) + " GB/s"
        : value.ToString("P0", CultureInfo.InvariantCulture);
}
