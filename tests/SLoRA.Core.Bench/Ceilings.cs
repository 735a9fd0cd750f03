using System.Diagnostics;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Bench;

/// <summary>
/// What this machine can do: multiply-adds from registers, and bytes read from memory by all threads together. Each is the best of several
/// loops.
/// </summary>
internal static unsafe class Ceilings
{
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(0.4);

    /// <summary>GFLOP/s of fp32 multiply-add on <paramref name="threads"/> threads.</summary>
    public static double MultiplyAdd(int threads) => Best(threads, MultiplyAddLoops.Floats);

    /// <summary>10⁹ operations per second of integer multiply-add into 32-bit sums on <paramref name="threads"/> threads.</summary>
    public static double Integers(int threads) => Best(threads, MultiplyAddLoops.Integers);

    /// <summary>GB/s read from memory on <paramref name="threads"/> threads.</summary>
    public static double Read(int threads)
    {
        using var reading = new ReadCeiling(threads);
        return reading.Measure(Time) / 1e9;
    }

    /// <summary>The best of some runs, in <paramref name="amount"/> per second.</summary>
    public static double Best(TimeSpan time, Action run, double amount)
    {
        double best = double.MaxValue;
        long first = Stopwatch.GetTimestamp();
        for (int i = 0; i < 5 || Stopwatch.GetElapsedTime(first) < time; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return amount / best;
    }

    private static double Best(int threads, (double Operations, Action Run)[] loops)
    {
        using var pool = new ComputeThreads(threads);
        return loops.Max(loop => Best(Time, () => pool.Run(new LoopJob(loop.Run), threads), threads * loop.Operations)) / 1e9;
    }

    private sealed class LoopJob(Action run) : ComputeJob
    {
        public override void Execute(int part, int worker) => run();
    }
}
