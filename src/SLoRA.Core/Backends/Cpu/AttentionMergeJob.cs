namespace SLoRA.Backends.Cpu;

/// <summary>Merges the partial results of tasks that were cut at segments, segment by segment, and writes the rows.</summary>
internal sealed unsafe class AttentionMergeJob : ComputeJob
{
    private AttentionTasks _tasks = null!;
    private CpuRows _y = null!;
    private float* _partials;
    private float* _scratch;
    private int _dim;
    private CpuVector? _sinks;
    private CpuRoutes? _routes;
    private int _heads;
    private int _paddedDim;

    /// <summary>Elements of a query's partial results: weighted sum <c>[D']</c>, largest score, sum of weights, padding.</summary>
    public static int PartialFloats(int paddedDim) => paddedDim + Lanes.Count;

    /// <summary>Leaves the partial results of a query.</summary>
    /// <param name="partials">Partial results.</param>
    /// <param name="place">Their place among them.</param>
    /// <param name="maximum">Largest score.</param>
    /// <param name="weights">Sum of weights.</param>
    /// <param name="sums">Weighted sum of values.</param>
    /// <param name="paddedDim">Columns of the sum.</param>
    public static void Leave(float* partials, int place, float maximum, float weights, float* sums, int paddedDim)
    {
        float* partial = partials + (place * (nint)PartialFloats(paddedDim));
        new ReadOnlySpan<float>(sums, paddedDim).CopyTo(new Span<float>(partial, paddedDim));
        partial[paddedDim] = maximum;
        partial[paddedDim + 1] = weights;
    }

    /// <summary>Sets the next merge and says in how many parts it comes.</summary>
    /// <param name="tasks">The tasks.</param>
    /// <param name="partials">Partial results.</param>
    /// <param name="scratch">Room for one more partial result per merge.</param>
    /// <param name="dim">Head dimension.</param>
    /// <param name="y">The rows.</param>
    /// <param name="sinks">One more score for each head; null for none.</param>
    /// <param name="routes">Where a row's heads are, if they are rows of their own; null where they lie side by side.</param>
    /// <param name="heads">Heads of a row then.</param>
    public int Prepare(
        AttentionTasks tasks, float* partials, float* scratch, int dim, CpuRows y, CpuVector? sinks, CpuRoutes? routes = null,
        int heads = 0)
    {
        _sinks = sinks;
        _routes = routes;
        _heads = heads;
        _tasks = tasks;
        _partials = partials;
        _scratch = scratch;
        _dim = dim;
        _paddedDim = (dim + Lanes.Count - 1) & -Lanes.Count;
        _y = y;
        return tasks.Merges.Length;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        AttentionTask merge = _tasks.Merges[part];
        int queries = merge.Queries;
        nint size = PartialFloats(_paddedDim);
        float* sums = _scratch + (part * size);
        var total = new SegmentSum(sums + _paddedDim, sums + _paddedDim + 1, sums);
        for (int query = 0; query < queries; query++)
        {
            total.Clear();
            for (int segment = 0; segment < merge.Segments; segment++)
            {
                float* partial = _partials + ((merge.Partial + (segment * queries) + query) * size);
                total.Add(partial[_paddedDim], partial[_paddedDim + 1], partial, _paddedDim);
            }

            int head = merge.FirstQuery + (query % merge.Group);
            int row = merge.FirstRow + (query / merge.Group);
            float* y = _routes is null ? _y.Row(row) + (head * _dim) : _y.Row(_routes.RowOf[(row * _heads) + head]);
            total.Store(y, _dim, _sinks, head);
        }
    }
}
