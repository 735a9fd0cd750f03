using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Bench;

/// <summary>
/// What this machine can do: multiply-adds from registers, and bytes read from memory by all threads together. Each is the best of several loops.
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
        const long Bytes = 256L << 20;
        using var memory = new AlignedMemory(Bytes, LargePages.Bytes);
        LargePages.Advise(memory.Address, memory.Bytes);

        // Memory that nobody wrote to is one page of zeros over and over, and comes from the cache.
        new Span<byte>(memory.Address, (int)Bytes).Fill(1);
        using var pool = new ComputeThreads(threads);
        double best = 0;
        for (int loop = 0; loop < ReadJob.Loops; loop++)
        {
            foreach (int parts in (int[])[threads, 8 * threads, 64 * threads])
            {
                var job = new ReadJob(memory, parts, loop);
                best = Math.Max(best, Best(() => pool.Run(job, parts), Bytes));
            }
        }

        return best;
    }

    private static double Best(int threads, (double Operations, Action Run)[] loops)
    {
        using var pool = new ComputeThreads(threads);
        return loops.Max(loop => Best(() => pool.Run(new LoopJob(loop.Run), threads), threads * loop.Operations));
    }

    private static double Best(Action run, double amount)
    {
        double best = double.MaxValue;
        long first = Stopwatch.GetTimestamp();
        for (int i = 0; i < 5 || Stopwatch.GetElapsedTime(first) < Time; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return amount / best / 1e9;
    }

    private sealed class LoopJob(Action run) : ComputeJob
    {
        public override void Execute(int part, int worker) => run();
    }

    private sealed class ReadJob(AlignedMemory memory, int parts, int loop) : ComputeJob
    {
        public const int Loops = 3;

        public static long Sink { get; private set; }

        public override void Execute(int part, int worker)
        {
            long share = memory.Bytes / parts;
            byte* data = memory.Address + (part * share);
            Sink = loop switch
            {
                0 => Stream(data, share),
                1 => Fetched(data, share),
                _ => Four(data, share),
            };
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static long Stream(byte* data, long bytes)
        {
            Vector512<long> a = default, b = default, c = default, d = default;
            for (long at = 0; at + 256 <= bytes; at += 256)
            {
                a ^= Vector512.Load((long*)(data + at));
                b ^= Vector512.Load((long*)(data + at + 64));
                c ^= Vector512.Load((long*)(data + at + 128));
                d ^= Vector512.Load((long*)(data + at + 192));
            }

            return Vector512.Sum(a ^ b ^ c ^ d);
        }

        /// <summary>Asks for what lies 2 KiB ahead.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static long Fetched(byte* data, long bytes)
        {
            Vector512<long> a = default, b = default;
            for (long at = 0; at + 128 <= bytes; at += 128)
            {
                if (Sse.IsSupported)
                {
                    Sse.Prefetch0(data + at + 2048);
                    Sse.Prefetch0(data + at + 2112);
                }

                a ^= Vector512.Load((long*)(data + at));
                b ^= Vector512.Load((long*)(data + at + 64));
            }

            return Vector512.Sum(a ^ b);
        }

        /// <summary>Four places at a time, as a product reads four panels.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static long Four(byte* data, long bytes)
        {
            long quarter = bytes / 4;
            Vector512<long> a = default, b = default, c = default, d = default;
            for (long at = 0; at + 64 <= quarter; at += 64)
            {
                a ^= Vector512.Load((long*)(data + at));
                b ^= Vector512.Load((long*)(data + quarter + at));
                c ^= Vector512.Load((long*)(data + (2 * quarter) + at));
                d ^= Vector512.Load((long*)(data + (3 * quarter) + at));
            }

            return Vector512.Sum(a ^ b ^ c ^ d);
        }
    }
}
