namespace SLoRA.Backends.Cpu;

/// <summary>Merges the partial results of tasks that were cut at segments, segment by segment, and writes the rows.</summary>
internal sealed unsafe class AttentionMergeJob : ComputeJob
{
    private AttentionTasks _tasks = null!;
    private CpuRows _y = null!;
    private float* _partials;
    private float* _scratch;
    private int _dim;
    private int _paddedDim;

    /// <summary>Elements of a query's partial results: weighted sum <c>[D']</c>, largest score, sum of weights, padding.</summary>
    public static int PartialFloats(int paddedDim) => paddedDim + Lanes.Count;

    /// <summary>Sets the next merge and says in how many parts it comes.</summary>
    /// <param name="tasks">The tasks.</param>
    /// <param name="partials">Partial results.</param>
    /// <param name="scratch">Room for one more partial result per merge.</param>
    /// <param name="dim">Head dimension.</param>
    /// <param name="y">The rows.</param>
    public int Prepare(AttentionTasks tasks, float* partials, float* scratch, int dim, CpuRows y)
    {
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
        int queries = merge.Rows * merge.Group;
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

            total.Store(_y.Row(merge.FirstRow + (query / merge.Group)) + ((merge.FirstQuery + (query % merge.Group)) * _dim), _dim);
        }
    }
}
