namespace SLoRA.Backends.Cpu;

/// <summary>What the rows of a step have chosen, and the routed rows in the order of the experts.</summary>
internal sealed class CpuRoutes(int experts, int chosen, int rowLimit) : DeviceRoutes(experts, chosen)
{
    private readonly int[] _expert = new int[rowLimit * chosen];
    private readonly float[] _weight = new float[rowLimit * chosen];
    private readonly int[] _choiceOf = new int[rowLimit * chosen];
    private readonly int[] _rowOf = new int[rowLimit * chosen];
    private readonly int[] _starts = new int[experts + 1];
    private readonly int[] _next = new int[experts];

    /// <summary>The expert of choice i of row t at <c>t · k + i</c>, the best first.</summary>
    public Span<int> Expert => _expert;

    /// <summary>The weight of the same choice.</summary>
    public Span<float> Weight => _weight;

    /// <summary>The choice of each routed row.</summary>
    public ReadOnlySpan<int> ChoiceOf => _choiceOf;

    /// <summary>The routed row of each choice.</summary>
    public ReadOnlySpan<int> RowOf => _rowOf;

    /// <summary>The first routed row of each expert, and behind them the number of routed rows.</summary>
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
            _next[e]++;
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
            int row = _next[expert[choice]]++;
            _choiceOf[row] = choice;
            _rowOf[choice] = row;
        }
    }
}
