using System.Diagnostics;
using System.Text;

namespace SLoRA.Text.Fuzz;

/// <summary>
/// Runs a target on mutated seeds: pieces deleted, doubled, swapped, spliced from another seed or from the target's words, and characters of any kind.
/// The same seed number gives the same run. It ends with the first input that throws, takes too long, or when memory grows.
/// </summary>
internal sealed class MutationDriver(FuzzTarget target, int seed, TextWriter log)
{
    private const int GrowthCheck = 20_000;
    private const long AllowedGrowth = 128L * 1024 * 1024;
    private static readonly TimeSpan TooLong = TimeSpan.FromSeconds(10);

    private string _current = "";
    private long _started = long.MaxValue;

    /// <summary>Runs so many executions.</summary>
    /// <returns>Whether nothing was found.</returns>
    public bool Run(long executions)
    {
        var random = new Random(seed);
        long baseline = 0;
        var watch = new Stopwatch();
        for (long i = 0; i < executions; i++)
        {
            string input = Mutate(random);
            _current = input;
            Interlocked.Exchange(ref _started, Stopwatch.GetTimestamp());
            watch.Restart();
            try
            {
                target.Execute(input, random);
            }
            catch (Exception finding) when (finding is not OutOfMemoryException)
            {
                log.WriteLine($"execution {i} of {target.Name} threw {finding}\ninput: {Visible(input)}");
                return false;
            }

            if (watch.Elapsed > TooLong)
            {
                log.WriteLine($"execution {i} of {target.Name} took {watch.Elapsed}\ninput: {Visible(input)}");
                return false;
            }

            if (i % GrowthCheck != GrowthCheck - 1)
                continue;
            long used = GC.GetTotalMemory(forceFullCollection: true);
            baseline = baseline == 0 ? used : baseline;
            log.WriteLine($"{i + 1} executions, {used >> 10} KiB in use");
            if (used > baseline + AllowedGrowth)
            {
                log.WriteLine($"memory of {target.Name} grew from {baseline >> 10} to {used >> 10} KiB");
                return false;
            }
        }

        log.WriteLine($"{target.Name}: {executions} executions, nothing found (seed {seed})");
        return true;
    }

    /// <summary>Starts to watch the runs of this driver, and ends the process, naming the input, when one does not come back.</summary>
    public Timer ExitWhenHung() => new(
        _ =>
        {
            long started = Interlocked.Read(ref _started);
            if (started == long.MaxValue || Stopwatch.GetElapsedTime(started) < 3 * TooLong) return;
            log.WriteLine($"an execution of {target.Name} does not end\ninput: {Visible(_current)}");
            Environment.Exit(1);
        },
        null,
        TooLong,
        TooLong);

    private string Mutate(Random random)
    {
        var text = new StringBuilder(target.Seeds[random.Next(target.Seeds.Count)]);
        int changes = random.Next(1, 6);
        for (int i = 0; i < changes; i++)
        {
            int at = random.Next(text.Length + 1);
            int length = Math.Min(random.Next(1, 16), text.Length - at);
            switch (random.Next(7))
            {
                case 0:
                    text.Remove(at, length);
                    break;
                case 1:
                    text.Insert(at, text.ToString(at, length));
                    break;
                case 2:
                    text.Insert(at, target.Words[random.Next(target.Words.Count)]);
                    break;
                case 3:
                    text.Remove(at, length).Insert(at, target.Words[random.Next(target.Words.Count)]);
                    break;
                case 4:
                    text.Insert(at, (char)random.Next(random.Next(2) == 0 ? 0x80 : 0x10000));
                    break;
                case 5:
                    Splice(random, text, at);
                    break;
                default:
                    text.Length = at;
                    break;
            }
        }

        return text.ToString();
    }

    private void Splice(Random random, StringBuilder text, int at)
    {
        string other = target.Seeds[random.Next(target.Seeds.Count)];
        int start = random.Next(other.Length + 1);
        text.Insert(at, other.AsSpan(start, Math.Min(random.Next(1, 200), other.Length - start)));
    }

    private static string Visible(string input) => string.Concat(input.Select(c => c is >= ' ' and < '\x7f' ? c.ToString() : $"\\u{(int)c:x4}"));
}
