using System.Diagnostics;
using System.Globalization;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Bench;

/// <summary>Whole steps of a decoder with random weights, without an engine around it: prefill and decode.</summary>
internal static class StepBench
{
    private const int Prompt = 128;

    /// <summary>Measures and prints tokens per second.</summary>
    /// <param name="shape">The decoder.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="context">Positions that decode rows have before them.</param>
    /// <param name="adapters">Adapters on all linear modules, one per decode row in turn; 0 for none.</param>
    /// <param name="rank">Their rank.</param>
    public static void Run(Shape shape, BaseWeights weights, int threads, int context, int adapters, int rank)
    {
        const int Sequences = StepModel.Sequences;
        long start = Stopwatch.GetTimestamp();
        using var model = new StepModel(shape, weights, threads, context, adapters, rank);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{shape.Name} {weights.Name}, {threads} threads, {InstructionSets.VectorBits} bits; loaded in "
                + $"{Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s"));
        Report("prefill 128 rows", Prompt, () => model.Slice(0, Prompt, 0), model);
        Report("prefill 2 x 128 rows", 2 * Prompt, () =>
        {
            model.Slice(0, Prompt, 0);
            model.Slice(1, Prompt, 0);
        }, model);
        Report($"decode 1 row at {context}", 1, () => model.Decode(1, context, 0), model);
        Report($"decode {Sequences} rows at {context}", Sequences, () => model.Decode(Sequences, context, 0), model);
        if (adapters > 0)
        {
            Report("prefill 128 rows, 1 adapter", Prompt, () => model.Slice(0, Prompt, 0, 0), model);
            Report("decode 1 row, 1 adapter", 1, () => model.Decode(1, context, 1), model);
            Report($"decode {Sequences} rows, {adapters} adapters", Sequences, () => model.Decode(Sequences, context, adapters), model);
        }
    }

    private static void Report(string name, int tokens, Action fill, StepModel model)
    {
        model.Plan.Clear();
        fill();
        model.Decoder.Run(model.Plan);
        model.Decoder.Run(model.Plan);
        double best = double.MaxValue;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long first = Stopwatch.GetTimestamp();
        int steps = 0;
        for (; steps < 5 || Stopwatch.GetElapsedTime(first).TotalSeconds < 2; steps++)
        {
            long start = Stopwatch.GetTimestamp();
            model.Decoder.Run(model.Plan);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {name,-28} {best * 1e3,9:F2} ms  {tokens / best,8:F1} tokens/s  {allocated / steps} bytes allocated per step"));
    }
}
