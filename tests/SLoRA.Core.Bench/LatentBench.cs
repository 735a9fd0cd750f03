using System.Globalization;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Bench;

/// <summary>
/// Attention of one layer over latents, as it runs, beside what the expanded form of the same rows would take: the product that makes keys
/// and values of the whole context once per chunk, and attention over them.
/// </summary>
internal static class LatentBench
{
    private static readonly (string Name, LatentAttention Shape)[] Models =
    [
        ("DeepSeek-V3, 16 of its 128 heads", Shape(heads: 16, plain: 128, value: 128)),
        ("GLM-4.7-Flash", Shape(heads: 20, plain: 192, value: 256)),
    ];

    /// <summary>Sequences, rows of each, positions that the last row sees.</summary>
    private static readonly (int Sequences, int Rows, int End)[] Steps =
        [(1, 1, 2048), (16, 1, 2048), (1, 64, 2048), (1, 512, 512), (1, 512, 2048), (1, 512, 8192)];

    /// <summary>Measures and prints a table for each model.</summary>
    public static void Run(int threads)
    {
        double limit = Ceilings.MultiplyAdd(threads);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{threads} threads, limit {limit:F0} GFLOP/s; latents of 512 + 64 in bf16"));
        foreach ((string name, LatentAttention shape) in Models)
        {
            Console.WriteLine(
                $"\n{name}\n\n| sequences × rows | context | absorbed ms | GFLOP/s | of the limit | expanded ms | its product |\n"
                + "| --- | --- | --- | --- | --- | --- | --- |");
            foreach ((int sequences, int rows, int end) in Steps)
            {
                double absorbed = Absorbed(shape, sequences, rows, end, threads);
                double pairs = (double)sequences * rows * (end - ((rows - 1) / 2.0)) * shape.Heads;
                double speed = 2 * pairs * (shape.KeyColumns + shape.Latent) / absorbed / 1e9;
                (double product, double attention) = rows == 1 ? default : Expanded(shape, rows, end, threads);
                string expanded = rows == 1 ? "– | –" : string.Create(
                    CultureInfo.InvariantCulture, $"{(product + attention) * 1e3:F1} | {product * 1e3:F1}");
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {sequences} × {rows} | {end} | {absorbed * 1e3:F2} | {speed:F1} | {speed / limit:P0} | {expanded} |"));
            }
        }
    }

    private static LatentAttention Shape(int heads, int plain, int value) => new()
    {
        Heads = heads,
        Latent = 512,
        Plain = plain,
        Rotated = 64,
        Value = value,
        ScoreScale = 1 / MathF.Sqrt(plain + 64),
        AdjacentPairs = true,
    };

    private static double Absorbed(LatentAttention shape, int sequences, int rows, int end, int threads)
    {
        var kept = new KeyValueShape(1, shape.KeyColumns) { ValueDim = 0, OwnScaleColumns = shape.Rotated };
        var layout = KvLayout.For([kept], TensorType.BF16, CachedStep.PageTokens);
        using CpuBackend backend = CachedStep.Begin(layout, sequences, rows, end, threads);
        DeviceRoutes routes = backend.CreateRoutes(shape.Heads, shape.Heads);
        backend.RouteToAll(routes);
        DeviceRows q = backend.CreateRows(RowSet.Step, shape.Heads * shape.QueryColumns);
        DeviceRows absorbed = backend.CreateRoutedRows(routes, shape.Latent);
        DeviceRows y = backend.CreateRoutedRows(routes, shape.Latent);
        CachedStep.Fill(q, sequences * rows);
        CachedStep.Fill(absorbed, sequences * rows * shape.Heads);
        return CachedStep.Best(() => backend.AttendLatent(absorbed, q, 0, shape, routes, y));
    }

    /// <summary>Heads have as many columns as keys and values have on average, so that there are as many multiply-adds.</summary>
    private static (double Product, double Attention) Expanded(LatentAttention shape, int rows, int end, int threads)
    {
        int columns = (shape.QueryColumns + shape.Value) / 2;
        var attention = new GroupedAttention
        {
            Heads = shape.Heads,
            KeyValueHeads = shape.Heads,
            HeadDim = columns,
            ScoreScale = shape.ScoreScale,
        };
        var layout = KvLayout.For([new KeyValueShape(shape.Heads, columns)], TensorType.BF16, CachedStep.PageTokens);
        using CpuBackend backend = CachedStep.Begin(layout, 1, rows, end, threads);
        int outputs = shape.Heads * (shape.Plain + shape.Value);
        using var weights = new RandomWeights(TensorType.BF16, (long)outputs * shape.Latent);
        var group = new LinearGroup([new LinearPart(backend.LoadMatrix(weights.Next(outputs, shape.Latent)), null, 0)]);
        DeviceRows latents = backend.CreateRows(RowSet.Step, shape.Latent);
        DeviceRows made = backend.CreateRows(RowSet.Step, outputs);
        DeviceRows qkv = backend.CreateRows(RowSet.Step, attention.QueryColumns + (2 * attention.KeyColumns));
        DeviceRows y = backend.CreateRows(RowSet.Step, attention.QueryColumns);
        CachedStep.Fill(qkv, rows);
        double attended = CachedStep.Best(() => backend.Attend(qkv, 0, attention, y));
        CachedStep.Fill(latents, end);
        var plan = new StepPlan(end, 0);
        plan.AddSlice(new int[end], 0, [], 0);
        backend.BeginStep(plan);
        return (CachedStep.Best(() => backend.Linear(group, latents, made)), attended);
    }
}
