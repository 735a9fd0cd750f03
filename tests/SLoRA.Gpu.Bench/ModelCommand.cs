using System.Globalization;
using SLoRA.Gpu.Bench.Roofline;

namespace SLoRA.Gpu.Bench;

/// <summary>
/// A roofline model of the kernels in the shapes of a 7B model: predicted, never measured. A Markdown table for the page on the Gpu
/// backend.
/// </summary>
internal static class ModelCommand
{
    private const int Hidden = 4096;
    private const int Inner = 11008;
    private const int Heads = 32;
    private const int HeadDim = 128;

    /// <summary>Prints the tables.</summary>
    public static int Run()
    {
        Console.WriteLine("Modelled, not measured. Microseconds, the share of the data sheet's limit, and what limits.\n");
        Console.WriteLine($"| kernel, shape | groups | {string.Join(" | ", Card.All.Select(card => card.Name))} |");
        Console.WriteLine($"| --- | --- |{string.Concat(Enumerable.Repeat(" --- |", Card.All.Count))}");
        foreach (int rows in (int[])[1, 16])
        {
            Row($"plain Few, {rows} rows, 4096 → 12288", KernelModels.PlainFew(rows, Hidden, 3 * Hidden), Weights(Hidden, 3 * Hidden), 0);
            foreach ((int inputs, int outputs) in ((int, int)[])[(Hidden, Hidden), (Hidden, 2 * Inner), (Inner, Hidden)])
            {
                LaunchModel few = KernelModels.TensorFew(rows, inputs, outputs);
                Row($"tensor Few, {rows} rows, {inputs} → {outputs}", few, Weights(inputs, outputs), 0);
            }
        }

        foreach ((string format, double bits) in ((string, double)[])[("Q4_0", 4.5), ("Q4_K", 4.75), ("Q6_K", 6.75), ("Q8_0", 8.5)])
        {
            foreach (int rows in (int[])[1, 16, 64])
            {
                LaunchModel packed = KernelModels.Packed(format, rows, Hidden, 2 * Inner);
                Row($"packed {format}, {rows} rows, 4096 → 22016", packed, bits / 8 * Hidden * 2 * Inner, 0);
            }
        }

        foreach (int rows in (int[])[64, 2048])
        {
            const int Outputs = 2 * Inner;
            double bytes = Weights(Hidden, Outputs);
            double operations = 2.0 * rows * Hidden * Outputs;
            Row($"plain Many, {rows} rows, 4096 → 22016", KernelModels.PlainMany(rows, Hidden, Outputs), bytes, operations);
            Row($"tensor Several, {rows} rows, 4096 → 22016", KernelModels.TensorSeveral(rows, Hidden, Outputs), bytes, operations);
            Row($"tensor Many, {rows} rows, 4096 → 22016", KernelModels.TensorMany(rows, Hidden, Outputs), bytes, operations);
        }

        foreach ((int keyHeads, int context) in ((int, int)[])[(Heads, 512), (8, 512), (8, 4096)])
        {
            double bytes = 4.0 * 32 * keyHeads * HeadDim * context;
            string shape = $"32 rows, {keyHeads} key heads, context {context}";
            Row($"plain Attend, {shape}", KernelModels.Attend(32, Heads, HeadDim, context), bytes, 0);
            Row($"tensor Split, {shape}", KernelModels.AttendSplit(32, Heads, keyHeads, HeadDim, context), bytes, 0);
        }

        foreach (int keyHeads in (int[])[Heads, 8])
        {
            // A row of a prompt sees half of it on average.
            double operations = 4.0 * Heads * HeadDim * 2048 * 1024;
            LaunchModel walk = KernelModels.AttendWalk(2048, Heads, keyHeads, HeadDim);
            Row($"tensor Walk, prompt of 2048, {keyHeads} key heads", walk, 0, operations);
        }

        Row("Shrink, 1 adapter of rank 16, 64 rows, q k v", KernelModels.Shrink(1, 64, 16, Hidden, 3), 2.0 * 16 * Hidden * 3, 0);
        Row("Expand, 1 adapter of rank 16, 64 rows, q k v", KernelModels.Expand(1, 64, 16, Hidden, 3), 2.0 * 16 * Hidden * 3, 0);
        Row("Shrink, 32 adapters of rank 16, q k v", KernelModels.Shrink(32, 1, 16, Hidden, 3), 2.0 * 32 * 16 * Hidden * 3, 0);
        Row("Expand, 32 adapters of rank 16, q k v", KernelModels.Expand(32, 1, 16, Hidden, 3), 2.0 * 32 * 16 * Hidden * 3, 0);
        return 0;
    }

    private static double Weights(int inputs, int outputs) => 2.0 * inputs * outputs;

    /// <summary>A launch beside the fewest bytes that it needs, or the operations of its formula where they take longer.</summary>
    private static void Row(string name, LaunchModel launch, double bytes, double operations)
    {
        IEnumerable<string> cells = Card.All.Select(card =>
        {
            Prediction prediction = launch.On(card);
            double limit = Math.Max(
                bytes / card.BytesPerSecond, operations / (2.0 * card.PeakFma * card.Multiprocessors * card.Hertz));
            return string.Create(
                CultureInfo.InvariantCulture, $"{prediction.Seconds * 1e6:F1}, {limit / prediction.Seconds:P0}, {prediction.Limit}");
        });
        Console.WriteLine($"| {name} | {launch.Groups} | {string.Join(" | ", cells)} |");
    }
}
