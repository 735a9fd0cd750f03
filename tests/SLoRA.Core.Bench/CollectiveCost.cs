using System.Diagnostics;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Sharded;

namespace SLoRA.Core.Bench;

/// <summary>What exchanging costs: a time per meeting, and one per byte that a shard takes from the others.</summary>
/// <param name="Latency">Seconds per meeting.</param>
/// <param name="Bandwidth">Bytes per second that each shard takes over.</param>
internal readonly record struct CollectiveCost(double Latency, double Bandwidth)
{
    private const int LargeRows = 512;
    private const int LargeColumns = 4096;

    /// <summary>Seconds of meetings with so many fp32 numbers in all.</summary>
    public double Seconds(int meetings, long elements) => (meetings * Latency) + (elements * sizeof(float) / Bandwidth);

    /// <summary>Measures it for shards of one thread each in this process.</summary>
    public static CollectiveCost InMemory(int shards)
    {
        double latency = Measure(shards, 1, 16, 20_000);
        double large = Measure(shards, LargeRows, LargeColumns, 50);
        double bytes = (double)LargeRows * LargeColumns * (shards - 1) / shards * sizeof(float);
        return new CollectiveCost(latency, bytes / Math.Max(large - latency, 1e-9));
    }

    /// <summary>Seconds of one gather of so many rows: the fastest of ten runs.</summary>
    private static unsafe double Measure(int shards, int rows, int columns, int meetings)
    {
        double best = double.MaxValue;
        for (int run = 0; run < 10; run++)
        {
            var meeting = new Meeting(shards);
            double seconds = 0;
            Thread[] threads = [.. Enumerable.Range(0, shards).Select(shard => new Thread(() =>
            {
                using var computing = new ComputeThreads(1);
                using var memory = new AlignedMemory(2L * rows * columns * sizeof(float));
                new Span<float>(memory.Floats, 2 * rows * columns).Clear();
                var collective = new CpuCollective(shard, meeting, computing);
                Gather(collective);
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < meetings; i++)
                {
                    Gather(collective);
                }

                if (shard == 0)
                {
                    seconds = Stopwatch.GetElapsedTime(start).TotalSeconds / meetings;
                }

                // Nobody frees what another still reads.
                collective.Gather(collective.Next());

                void Gather(CpuCollective with)
                {
                    Exchange exchange = with.Next();
                    exchange.Add(new ExchangePiece
                    {
                        Data = memory.Floats,
                        Stride = columns,
                        Rows = rows,
                        Columns = columns,
                        To = memory.Floats + ((nint)rows * columns),
                        ToStride = columns,
                    });
                    with.Gather(exchange);
                }
            }))];
            foreach (Thread thread in threads)
            {
                thread.Start();
            }

            foreach (Thread thread in threads)
            {
                thread.Join();
            }

            best = Math.Min(best, seconds);
        }

        return best;
    }
}
