using System.Numerics;

namespace SLoRA.Pool;

/// <summary>
/// Pages that may be given up, by what keeping them is worth: bytes × uses × 2^(−age / half-life) / age. Uses count in powers of two; pages
/// of one class stand in a heap by last use, so the least of all is the least of the classes' oldest. O(log n). Belongs to the engine's
/// thread.
/// </summary>
internal sealed class IdleLeaves
{
    /// <summary>
    /// What computing one token is taken to cost, in bytes of copying that would take as long: of the order of a processor's time for a
    /// small model, and of a GPU's for a large one.
    /// </summary>
    public const double BytesPerToken = 1 << 20;

    /// <summary>How often a page that was never shared is expected to be, next to one that was shared once.</summary>
    public const double NeverShared = 1.0 / 1024;

    /// <summary>After how long being shared counts half.</summary>
    public static readonly TimeSpan HalfLife = TimeSpan.FromMinutes(1);

    private const int Classes = 8;

    private readonly TimeProvider _clock;
    private readonly double _pageBytes;
    private readonly PageHeap[] _classes = new PageHeap[Classes];
    private readonly long[] _lastUsed;
    private readonly sbyte[] _classOf;

    /// <summary>Nothing idle.</summary>
    /// <param name="pageCount">Pages of the pool.</param>
    /// <param name="pageBytes">What bringing a page back is taken to cost, in bytes of copying.</param>
    /// <param name="clock">Tells how long ago a page was used.</param>
    public IdleLeaves(int pageCount, double pageBytes, TimeProvider clock)
    {
        _clock = clock;
        _pageBytes = pageBytes;
        _lastUsed = new long[pageCount];
        _classOf = new sbyte[pageCount];
        var positions = new int[pageCount];
        var keys = new long[pageCount];
        for (int i = 0; i < Classes; i++)
        {
            _classes[i] = new PageHeap(positions, keys);
        }
    }

    /// <summary>Adds a page.</summary>
    /// <param name="page">The page.</param>
    /// <param name="shared">How often it was shared.</param>
    /// <param name="lastUsed">When it was used last.</param>
    /// <param name="order">Orders uses at the same time; ascends with time.</param>
    public void Add(int page, int shared, long lastUsed, long order)
    {
        int kind = shared == 0 ? 0 : Math.Min(Classes - 1, 1 + BitOperations.Log2((uint)shared));
        _lastUsed[page] = lastUsed;
        _classOf[page] = (sbyte)(kind + 1);
        _classes[kind].Add(page, order);
    }

    /// <summary>Takes a page out; does nothing for one that is not in.</summary>
    public void Remove(int page)
    {
        if (_classOf[page] != 0)
        {
            _classes[_classOf[page] - 1].Remove(page);
            _classOf[page] = 0;
        }
    }

    /// <summary>The page that is worth least; −1, and infinity, when there is none.</summary>
    public int Least(out double worth)
    {
        int least = -1;
        worth = double.PositiveInfinity;
        for (int i = 0; i < Classes; i++)
        {
            if (_classes[i].Count > 0)
            {
                int oldest = _classes[i].Oldest.Page;
                double uses = i == 0 ? NeverShared : 1 << (i - 1);
                TimeSpan age = _clock.GetElapsedTime(_lastUsed[oldest]);
                double candidate = _pageBytes * uses * double.Exp2(-(age / HalfLife)) / (age.TotalSeconds + 1e-3);
                (least, worth) = least < 0 || candidate < worth ? (oldest, candidate) : (least, worth);
            }
        }

        return least;
    }
}
