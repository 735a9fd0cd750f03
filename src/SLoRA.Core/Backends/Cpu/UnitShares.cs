using System.Runtime.InteropServices;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Units 0 … n − 1 of a job, shared out in runs, one for each thread. A thread takes those of its run in order, so that it knows which is
/// next; when they are gone it takes the last of the others' runs, one after another, so that nobody waits for a slow one.
/// </summary>
internal sealed class UnitShares
{
    private readonly Run[] _runs;
    private int _count;

    /// <summary>Makes room.</summary>
    /// <param name="workers">The most runs.</param>
    public UnitShares(int workers) => _runs = new Run[workers];

    /// <summary>Shares out so many units. Nobody may be taking any.</summary>
    /// <returns>Runs, of which each has at least one.</returns>
    public int Share(int units)
    {
        _count = Math.Min(_runs.Length, units);
        for (int run = 0; run < _count; run++)
        {
            _runs[run].Left = Pack((long)units * run / _count, (long)units * (run + 1) / _count);
        }

        return _count;
    }

    /// <summary>Takes the next unit of a run, or the last of another's.</summary>
    /// <param name="run">The run that the calling thread goes through.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="follows">Whether the same thread will most likely take the unit behind it next.</param>
    /// <returns>False when all units have been taken.</returns>
    public bool Take(int run, out int unit, out bool follows)
    {
        for (int i = 0; i < _count; i++)
        {
            ref long left = ref _runs[(run + i) % _count].Left;
            for (long seen = Volatile.Read(ref left); First(seen) < End(seen);)
            {
                long rest = i == 0 ? Pack(First(seen) + 1, End(seen)) : Pack(First(seen), End(seen) - 1);
                long found = Interlocked.CompareExchange(ref left, rest, seen);
                if (found == seen)
                {
                    unit = i == 0 ? First(seen) : End(seen) - 1;
                    follows = i == 0 && First(rest) < End(rest);
                    return true;
                }

                seen = found;
            }
        }

        (unit, follows) = (0, false);
        return false;
    }

    private static long Pack(long first, long end) => (end << 32) | first;

    private static int First(long left) => (int)(left & uint.MaxValue);

    private static int End(long left) => (int)(left >> 32);

    /// <summary>What is left of a run, on cache lines of its own: the processor fetches lines in pairs.</summary>
    [StructLayout(LayoutKind.Explicit, Size = LinePair)]
    private struct Run
    {
        private const int LinePair = 128;

        [FieldOffset(0)]
        public long Left;
    }
}
