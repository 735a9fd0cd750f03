using System.Globalization;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Bench;

/// <summary>Attention of one layer: prompts beside the multiply-adds of the machine, single rows beside its memory.</summary>
internal static class AttentionBench
{
    private static readonly (string Name, int Heads, int KeyValueHeads, int HeadDim)[] Shapes =
    [
        ("9 heads, 3 of keys, 64 columns", 9, 3, 64),
        ("32 heads, 8 of keys, 64 columns", 32, 8, 64),
        ("16 heads, 2 of keys, 128 columns", 16, 2, 128),
    ];

    /// <summary>Sequences, rows of each, positions that the last row sees.</summary>
    private static readonly (int Sequences, int Rows, int End)[] Steps =
        [(1, 128, 128), (1, 512, 512), (1, 512, 4096), (1, 1, 4096), (16, 1, 160), (16, 1, 512)];

    /// <summary>Measures and prints a table for each shape.</summary>
    public static void Run(int threads)
    {
        MachineLimits limits = MachineLimits.Measure(threads);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{threads} threads; limits: {limits.Floats / 1e9:F0} GFLOP/s, {limits.Bytes / 1e9:F1} GB/s; keys and values in bf16"));
        foreach ((string name, int heads, int keyValueHeads, int headDim) in Shapes)
        {
            var attention = new GroupedAttention
            {
                Heads = heads,
                KeyValueHeads = keyValueHeads,
                HeadDim = headDim,
                ScoreScale = 1 / MathF.Sqrt(headDim),
            };
            Console.WriteLine($"\n{name}\n\n| sequences × rows | context | ms | GFLOP/s | GB/s | achieved / possible |\n"
                + "| --- | --- | --- | --- | --- | --- |");
            foreach ((int sequences, int rows, int end) in Steps)
            {
                double seconds = Measure(attention, sequences, rows, end, threads);
                double pairs = (double)sequences * rows * (end - ((rows - 1) / 2.0)) * heads;
                double operations = 4 * pairs * headDim;
                double bytes = 4.0 * sequences * end * keyValueHeads * headDim;
                double possible = Math.Max(operations / limits.Floats, bytes / limits.Bytes);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {sequences} × {rows} | {end} | {seconds * 1e3:F3} | {operations / seconds / 1e9:F1} | {bytes / seconds / 1e9:F1} | "
                    + $"{possible / seconds:P0} |"));
            }
        }
    }

    private static double Measure(GroupedAttention attention, int sequences, int rows, int end, int threads)
    {
        var layout = KvLayout.For([new KeyValueShape(attention.KeyValueHeads, attention.HeadDim)], TensorType.BF16, CachedStep.PageTokens);
        using CpuBackend backend = CachedStep.Begin(layout, sequences, rows, end, threads);
        DeviceRows qkv = backend.CreateRows(RowSet.Step, attention.QueryColumns + (2 * attention.KeyColumns));
        DeviceRows y = backend.CreateRows(RowSet.Step, attention.QueryColumns);
        CachedStep.Fill(qkv, sequences * rows);
        return CachedStep.Best(() => backend.Attend(qkv, 0, attention, y));
    }
}
