using System.Diagnostics;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Step;

namespace SLoRA.Core.Bench;

/// <summary>A step of one operation on the Cpu backend, with a cache full of random numbers.</summary>
internal static unsafe class CachedStep
{
    /// <summary>Positions of a page.</summary>
    public const int PageTokens = 16;

    /// <summary>A step whose sequences have all positions before its rows in their pages.</summary>
    public static CpuBackend Begin(KvLayout layout, int sequences, int rows, int end, int threads)
    {
        var backend = new CpuBackend(Math.Max(end, sequences * rows), 0, threads);
        int pages = layout.PagesFor(end);
        backend.AllocatePages(layout, sequences * pages);
        var random = new Random(1);
        var page = new byte[layout.PageBytes];
        for (int i = 0; i < page.Length; i += 2)
        {
            // bf16 between 0.5 and 2, either sign.
            (page[i], page[i + 1]) = ((byte)random.Next(256), (byte)(0x3F | (random.Next(2) << 7)));
        }

        var plan = new StepPlan(sequences * rows, 0);
        for (int sequence = 0; sequence < sequences; sequence++)
        {
            int[] table = [.. Enumerable.Range(sequence * pages, pages)];
            Array.ForEach(table, place => backend.Pages.Write(place, 0, page));
            plan.AddSlice(new int[rows], end - rows, table, 0);
        }

        backend.BeginStep(plan);
        return backend;
    }

    /// <summary>Numbers of either sign, at most 0.25 in size.</summary>
    public static void Fill(DeviceRows x, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < x.Width; i++)
            {
                ((CpuRows)x).Row(row)[i] = (((row * 7) + (i * 13)) % 32 / 64f) - 0.25f;
            }
        }
    }

    /// <summary>The best run of 0.4 seconds, behind as many that do not count, in which code is compiled again.</summary>
    public static double Best(Action run)
    {
        double best = double.MaxValue;
        for (int phase = 0; phase < 2; phase++)
        {
            best = double.MaxValue;
            long first = Stopwatch.GetTimestamp();
            for (int round = 0; round < 2 || Stopwatch.GetElapsedTime(first).TotalSeconds < 0.4; round++)
            {
                long start = Stopwatch.GetTimestamp();
                run();
                best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        return best;
    }
}
