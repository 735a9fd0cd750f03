using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Bench;

/// <summary>What this machine can do: multiply-adds from registers, and bytes read from memory by all threads together.</summary>
internal static unsafe class Ceilings
{
    /// <summary>GFLOP/s of fp32 multiply-add on <paramref name="threads"/> threads.</summary>
    public static double MultiplyAdd(int threads)
    {
        using var pool = new ComputeThreads(threads);
        var job = new MultiplyAddJob();
        return Best(() => pool.Run(job, threads), 2.0 * threads * MultiplyAddJob.Operations);
    }

    /// <summary>GB/s read from memory on <paramref name="threads"/> threads.</summary>
    public static double Read(int threads)
    {
        const long Bytes = 96L << 20;
        using var memory = new AlignedMemory(Bytes);

        // Memory that nobody wrote to is one page of zeros over and over, and comes from the cache.
        new Span<byte>(memory.Address, (int)Bytes).Fill(1);
        using var pool = new ComputeThreads(threads);
        var job = new ReadJob(memory, 8 * threads);
        return Best(() => pool.Run(job, 8 * threads), Bytes);
    }

    private static double Best(Action run, double amount)
    {
        double best = double.MaxValue;
        long first = Stopwatch.GetTimestamp();
        for (int i = 0; i < 5 || Stopwatch.GetElapsedTime(first).TotalSeconds < 1; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return amount / best / 1e9;
    }

    private sealed class MultiplyAddJob : ComputeJob
    {
        private const int Rounds = 200_000;

        public static double Operations => 16.0 * 12 * Rounds;

        public static float Sink { get; private set; }

        public override void Execute(int part, int worker) => Sink = Loop(1.0001f, 1e-9f);

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static float Loop(float factor, float addend)
        {
            Vector512<float> f = Vector512.Create(factor);
            Vector512<float> a = Vector512.Create(addend), b = a, c = a, d = a, e = a, g = a, h = a, i = a, j = a, k = a, l = a, m = a;
            for (int round = 0; round < Rounds; round++)
            {
                a = Vector512.FusedMultiplyAdd(a, f, f);
                b = Vector512.FusedMultiplyAdd(b, f, f);
                c = Vector512.FusedMultiplyAdd(c, f, f);
                d = Vector512.FusedMultiplyAdd(d, f, f);
                e = Vector512.FusedMultiplyAdd(e, f, f);
                g = Vector512.FusedMultiplyAdd(g, f, f);
                h = Vector512.FusedMultiplyAdd(h, f, f);
                i = Vector512.FusedMultiplyAdd(i, f, f);
                j = Vector512.FusedMultiplyAdd(j, f, f);
                k = Vector512.FusedMultiplyAdd(k, f, f);
                l = Vector512.FusedMultiplyAdd(l, f, f);
                m = Vector512.FusedMultiplyAdd(m, f, f);
            }

            return Vector512.Sum(a + b + c + d + e + g + h + i + j + k + l + m);
        }
    }

    private sealed class ReadJob(AlignedMemory memory, int parts) : ComputeJob
    {
        public static long Sink { get; private set; }

        public override void Execute(int part, int worker)
        {
            long share = memory.Bytes / parts;
            Sink = Loop(memory.Address + (part * share), share);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static long Loop(byte* data, long bytes)
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
    }
}
