using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// What the rows of a step have chosen, and the routed rows in the order of the experts. One of several shards has some of the experts, and
/// as routed rows what is chosen of them.
/// </summary>
internal sealed class CpuRoutes : DeviceRoutes
{
    /// <summary>The routed row of a choice whose expert is on another shard.</summary>
    public const int Elsewhere = -1;

    private readonly int[] _expert;
    private readonly float[] _weight;
    private readonly int[] _choiceOf;
    private readonly int[] _rowOf;
    private readonly int[] _starts;
    private readonly int[] _next;
    private readonly int[] _leafOf;

    /// <summary>Makes room.</summary>
    /// <param name="experts">All experts.</param>
    /// <param name="chosen">How many of them a row chooses.</param>
    /// <param name="rowLimit">The most rows of a step.</param>
    /// <param name="own">The experts that are here; null for all.</param>
    public CpuRoutes(int experts, int chosen, int rowLimit, Run? own = null)
        : base(experts, chosen)
    {
        IsPart = own is not null;
        Own = own ?? new Run(0, experts);
        _expert = new int[rowLimit * chosen];
        _weight = new float[rowLimit * chosen];
        _choiceOf = new int[rowLimit * chosen];
        _rowOf = new int[rowLimit * chosen];
        _starts = new int[Own.Count + 1];
        _next = new int[Own.Count];
        Split split = Split.OfExperts(experts);
        int firstLeaf = split.LeafOf(Own.First);
        _leafOf = [.. Enumerable.Range(Own.First, Own.Count).Select(expert => split.LeafOf(expert) - firstLeaf)];
        Leaves = _leafOf[^1] + 1;
    }

    /// <summary>Whether other shards have other experts.</summary>
    public bool IsPart { get; }

    /// <summary>The experts that are here.</summary>
    public Run Own { get; }

    /// <summary>Leaves of the sums over the experts that are here, a power of two.</summary>
    public int Leaves { get; }

    /// <summary>The leaf of each of the experts that are here.</summary>
    public ReadOnlySpan<int> LeafOf => _leafOf;

    /// <summary>Routed rows.</summary>
    public int Rows => _starts[^1];

    /// <summary>The expert of choice i of row t at <c>t · k + i</c>, the best first.</summary>
    public Span<int> Expert => _expert;

    /// <summary>The weight of the same choice.</summary>
    public Span<float> Weight => _weight;

    /// <summary>The choice of each routed row.</summary>
    public ReadOnlySpan<int> ChoiceOf => _choiceOf;

    /// <summary>The routed row of each choice, or <see cref="Elsewhere"/>.</summary>
    public ReadOnlySpan<int> RowOf => _rowOf;

    /// <summary>The first routed row of each expert that is here, and behind them the number of routed rows.</summary>
    public ReadOnlySpan<int> Starts => _starts;

    /// <summary>Counts how often it was filled: what has been made of older choices is out of date.</summary>
    public int Generation { get; private set; }

    /// <summary>Every row chooses every expert, in their order.</summary>
    public void All(int rows)
    {
        for (int choice = 0; choice < rows * Chosen; choice++)
        {
            _expert[choice] = choice % Chosen;
            _weight[choice] = 1;
        }

        Group(rows);
    }

    /// <summary>Puts the choices of so many rows in the order of the experts; those of one expert stay in the order of the rows.</summary>
    public void Group(int rows)
    {
        Generation++;
        ReadOnlySpan<int> expert = _expert.AsSpan(0, rows * Chosen);
        _next.AsSpan().Clear();
        foreach (int e in expert)
        {
            if ((uint)(e - Own.First) < (uint)Own.Count)
            {
                _next[e - Own.First]++;
            }
        }

        int start = 0;
        for (int e = 0; e < _next.Length; e++)
        {
            _starts[e] = start;
            start += _next[e];
            _next[e] = _starts[e];
        }

        _starts[^1] = start;
        for (int choice = 0; choice < expert.Length; choice++)
        {
            int own = expert[choice] - Own.First;
            if ((uint)own >= (uint)Own.Count)
            {
                _rowOf[choice] = Elsewhere;
                continue;
            }

            int row = _next[own]++;
            _choiceOf[row] = choice;
            _rowOf[choice] = row;
        }
    }
}
