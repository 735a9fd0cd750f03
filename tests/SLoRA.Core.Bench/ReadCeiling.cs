using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SLoRA.Backends.Cpu;
using SLoRA.Native;

namespace SLoRA.Core.Bench;

/// <summary>
/// How fast all threads together read memory: the best of several loops. To be measured again beside everything that is set against it,
/// since on a shared machine it changes within seconds.
/// </summary>
internal sealed unsafe class ReadCeiling : IDisposable
{
    private const long Least = 256L << 20;
    private const long Most = int.MaxValue & ~(LargePages.Bytes - 1);

    // Servers have caches of some hundred megabytes, which would keep a good part of less.
    private static readonly long _bytes = Math.Clamp(4 * LargestCache.Bytes, Least, Most);

    private readonly AlignedMemory _memory = new(_bytes, LargePages.Bytes);
    private readonly ComputeThreads _pool;
    private readonly int _threads;

    /// <summary>Takes the memory that is read.</summary>
    public ReadCeiling(int threads)
    {
        _threads = threads;
        _pool = new ComputeThreads(threads);
        LargePages.Advise(_memory.Address, _memory.Bytes);

        // Memory that nobody wrote to is one page of zeros over and over, and comes from the cache.
        new Span<byte>(_memory.Address, (int)_bytes).Fill(1);
    }

    /// <summary>Bytes per second.</summary>
    /// <param name="time">For each loop.</param>
    public double Measure(TimeSpan time)
    {
        double best = 0;
        for (int loop = 0; loop < ReadJob.Loops; loop++)
        {
            foreach (int parts in (int[])[_threads, 8 * _threads, 64 * _threads])
            {
                var job = new ReadJob(_memory, parts, loop);
                best = Math.Max(best, Ceilings.Best(time, () => _pool.Run(job, parts), _bytes));
            }
        }

        return best;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pool.Dispose();
        _memory.Dispose();
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
