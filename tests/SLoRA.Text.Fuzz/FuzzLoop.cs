using System.Diagnostics;

namespace SLoRA.Text.Fuzz;

/// <summary>
/// Runs a target on mutated inputs, and watches for exceptions, for an input that takes too long, and for memory that grows.
/// </summary>
internal sealed class FuzzLoop(IFuzzTarget target, int seed)
{
    private const long MaxLiveBytes = 1L << 29;
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(20);

    private readonly Mutator _mutator = new(target, seed);
    private byte[] _current = [];
    private long _started;

    public bool Run(long executions)
    {
        using var watch = new Timer(_ => StopIfHung(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        var clock = Stopwatch.StartNew();
        long every = Math.Max(1, executions / 20);
        for (long i = 1; i <= executions; i++)
        {
            _current = _mutator.Next();
            Interlocked.Exchange(ref _started, Stopwatch.GetTimestamp());
            try
            {
                target.Run(_current);
            }
            catch (Exception e)
            {
                Console.WriteLine($"execution {i}: {e}");
                Console.WriteLine($"input saved as {Save("crash")}");
                return false;
            }

            if (i % every != 0)
            {
                continue;
            }

            long live = GC.GetTotalMemory(forceFullCollection: true);
            Console.WriteLine($"{target.Name}: {i} executions, {i / clock.Elapsed.TotalSeconds:F0} a second, {live / 1e6:F1} MB live");
            if (live > MaxLiveBytes)
            {
                Console.WriteLine("memory grows");
                return false;
            }
        }

        return true;
    }

    private void StopIfHung()
    {
        if (Stopwatch.GetElapsedTime(Interlocked.Read(ref _started)) < MaxTime)
        {
            return;
        }

        Console.WriteLine($"an input takes more than {MaxTime.TotalSeconds} s; saved as {Save("hang")}");
        Environment.Exit(1);
    }

    private string Save(string kind)
    {
        string path = Path.Combine(Path.GetTempPath(), $"slora-fuzz-{target.Name}-{kind}-{seed}.bin");
        File.WriteAllBytes(path, _current);
        return path;
    }
}
