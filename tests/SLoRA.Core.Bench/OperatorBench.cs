using System.Diagnostics;
using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>
/// Where the time of a step goes: every operation beside what the machine's limits allow for its counted operations and bytes.
/// </summary>
internal static class OperatorBench
{
    /// <summary>The steps that are measured: name, positions before decode rows, adapters.</summary>
    private static readonly (string Name, int Rows, int Context, int Adapters)[] Steps =
    [
        ("prefill, 128 rows", 128, 0, 0),
        ("prefill, 128 rows, an adapter of rank 16", 128, 0, 1),
        ("decode, 1 row", 1, 160, 0),
        ("decode, 1 row", 1, 4096, 0),
        ("decode, 16 rows", 16, 160, 0),
        ("decode, 16 rows, 16 adapters of rank 16", 16, 160, 16),
    ];

    /// <summary>The same of a mixture of experts.</summary>
    private static readonly (string Name, int Rows, int Context, int Adapters)[] ExpertSteps =
    [
        ("prefill, 512 rows", 512, 0, 0),
        ("decode, 1 row", 1, 160, 0),
        ("decode, 16 rows", 16, 160, 0),
        ("decode, 16 rows, 16 adapters of rank 16", 16, 160, 16),
    ];

    /// <summary>Measures and prints tables.</summary>
    public static void Run(Shape shape, BaseWeights weights, int threads, TimeSpan time)
    {
        MachineLimits limits = MachineLimits.Measure(threads);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{shape.Name} {weights.Name}, {threads} threads; limits: {limits.Floats / 1e9:F0} GFLOP/s fp32, {limits.Integers / 1e9:F0} "
            + $"GOP/s int8, {limits.Bytes / 1e9:F1} GB/s"));
        foreach ((string step, IReadOnlyList<OperatorCall> operators) in Measure(shape, weights, threads, time))
        {
            Console.WriteLine($"\n{step}\n");
            Console.WriteLine(
                "| operation | ms | of the step | GOP/s | GB/s | achieved / possible |\n| --- | --- | --- | --- | --- | --- |");
            double total = operators.Sum(call => call.Seconds);
            foreach (OperatorCall call in operators)
            {
                double possible = call.Possible(limits, weights);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {call.Name} | {call.Seconds * 1e3:F3} | {call.Seconds / total:P0} | {call.Operations / call.Seconds / 1e9:F1} | "
                    + $"{call.Bytes / call.Seconds / 1e9:F1} | "
                    + $"{(possible > 0 ? (possible / call.Seconds).ToString("P0", CultureInfo.InvariantCulture) : "–")} |"));
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| all | {total * 1e3:F3} | | | | {operators.Sum(call => call.Possible(limits, weights)) / total:P0} |"));
        }
    }

    /// <summary>The operations of every kind of step.</summary>
    public static IEnumerable<(string Step, IReadOnlyList<OperatorCall> Operators)> Measure(
        Shape shape, BaseWeights weights, int threads, TimeSpan time)
    {
        TimedBackend? timed = null;
        var steps = shape.Experts > 0 ? ExpertSteps : Steps;
        using var model = new StepModel(
            shape, weights, threads, steps.Max(step => step.Context), steps.Max(step => step.Adapters), 16,
            backend => timed = new TimedBackend(backend, shape, weights), rows: Math.Max(256, steps.Max(step => step.Rows)));
        foreach ((string name, int rows, int context, int adapters) in steps)
        {
            timed!.Calls = [];
            if (context == 0)
            {
                model.Plan.Clear();
                model.Slice(0, rows, 0, adapters - 1);
            }
            else
            {
                model.Decode(rows, context, adapters);
            }

            long first = Stopwatch.GetTimestamp();
            for (int i = 0; i < 5 || Stopwatch.GetElapsedTime(first) < time; i++)
            {
                model.Decoder.Run(model.Plan);
            }

            string step = context == 0 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}, {context} positions before each");
            yield return (step, [.. timed.Operators]);
        }
    }
}
