using System.Runtime.Intrinsics;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Paged attention with an online softmax. A row's result is a function of its position, its window and the keys and values alone:
/// positions go in ascending order in blocks of 64 and segments of 512, both counted from position 0; the running maximum is adjusted at
/// borders of blocks, segments are merged in order.
/// </summary>
/// <remarks>
/// Legend: H query heads, G KV heads, d head dimension, D' the same padded to 16, M queries of a task (its rows times the heads that read
/// its KV head). Many queries share a block that was brought to fp32 once; few read the pages directly. Memory behind the last position of
/// a page may hold anything: its scores are dropped and its values are never read.
/// </remarks>
internal sealed unsafe partial class AttentionJob(int workers) : ComputeJob, IDisposable
{
    /// <summary>Positions whose sums are kept apart until the segment's end.</summary>
    public const int Segment = 512;

    private const int Block = AttentionScratch.Block;
    private const int Runs = Block / Lanes.Count;

    // From so many queries on, widening a block once pays for itself.
    private const int ManyQueries = 9;

    private readonly AttentionTasks _tasks = new(workers);
    private readonly AttentionMergeJob _merge = new();
    private AlignedMemory _memory = new(0);
    private AlignedMemory _partials = new(0);
    private StepPlan _plan = null!;
    private CpuRows _qkv = null!;
    private CpuRows _y = null!;
    private GroupedAttention _attention = null!;
    private CpuPageMemory _pages = null!;
    private KvLayout _layout = null!;
    private LayerBlock _block;
    private int _paddedDim;

    /// <summary>One more score for each head of the next layer, which no value belongs to; null for none.</summary>
    public CpuVector? Sinks { get; set; }

    /// <summary>The first position that a row at a position sees.</summary>
    public static int FirstVisible(GroupedAttention attention, int position) => attention.FirstVisible(position);

    /// <summary>Sets the next layer and says in how many parts it comes.</summary>
    public int Prepare(StepPlan plan, CpuRows qkv, CpuRows y, GroupedAttention attention, CpuPageMemory pages, KvLayout layout, int layer)
    {
        _plan = plan;
        _qkv = qkv;
        _y = y;
        _attention = attention;
        _pages = pages;
        _layout = layout;
        _block = layout.Layers[layer];
        _paddedDim = (attention.HeadDim + Lanes.Count - 1) & -Lanes.Count;
        _tasks.Cut(plan, attention, _block.Group);
        AlignedMemory.Grow(ref _memory, workers * AttentionScratch.FloatsFor(_tasks.Queries, _paddedDim));
        AlignedMemory.Grow(ref _partials, (_tasks.Partials + _tasks.Merges.Length) * (long)AttentionMergeJob.PartialFloats(_paddedDim));
        return _tasks.Tasks.Length;
    }

    /// <summary>The job to run behind this one, in <paramref name="parts"/> parts, possibly none.</summary>
    public ComputeJob PrepareMerge(out int parts)
    {
        float* scratch = _partials.Floats + (_tasks.Partials * (nint)AttentionMergeJob.PartialFloats(_paddedDim));
        parts = _merge.Prepare(_tasks, _partials.Floats, scratch, _attention.HeadDim, _y, Sinks);
        return _merge;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        // The last rows of a prompt chunk see the most positions, so they go first.
        AttentionTask task = _tasks.Tasks[_tasks.Tasks.Length - 1 - part];
        long floats = AttentionScratch.FloatsFor(_tasks.Queries, _paddedDim);
        var scratch = new AttentionScratch(_memory.Floats + (worker * floats), _tasks.Queries, _paddedDim);
        switch (_layout.Type)
        {
            case TensorType.F32:
                Attend<F32Elements>(task, scratch);
                break;
            case TensorType.F16:
                Attend<F16Elements>(task, scratch);
                break;
            case TensorType.BF16:
                Attend<Bf16Elements>(task, scratch);
                break;
            case TensorType.I8:
                Attend<I8Elements>(task, scratch);
                break;
            default:
                throw UnservedType.Error(_layout.Type);
        }
    }

    /// <summary>Frees the scratch memory.</summary>
    public void Dispose()
    {
        _memory.Dispose();
        _partials.Dispose();
    }

    private void Attend<T>(AttentionTask task, AttentionScratch scratch)
        where T : struct, IElements
    {
        int queries = task.Rows * task.Group;
        LoadQueries(task, scratch);
        for (int query = 0; query < queries; query++)
        {
            scratch.Total(query).Clear();
        }

        bool direct = queries < ManyQueries && _layout.PageTokens >= Lanes.Count && _attention.HeadDim == _paddedDim;
        int first = FirstVisible(_attention, task.FirstPosition);
        int end = task.FirstPosition + task.Rows;
        for (int segment = task.FirstSegment; segment < task.FirstSegment + task.Segments; segment++)
        {
            StartSegment(queries, scratch);
            int segmentEnd = Math.Min(end, (segment + 1) * Segment);
            for (int start = Math.Max(first / Block * Block, segment * Segment); start < segmentEnd; start += Block)
            {
                int count = Math.Min(Block, end - start);
                int from = Math.Max(0, first - start);
                if (T.HasScales)
                {
                    LoadScales(task, start, from, count, scratch);
                }

                if (direct)
                {
                    AddPages<T>(task, start, from, count, scratch);
                }
                else
                {
                    LoadBlock<T>(task, start, from, count, scratch);
                    AddBlock<T>(task, start, count, scratch);
                }
            }

            EndSegment(task, queries, scratch);
        }

        if (task.Partial < 0)
        {
            StoreResults(task, scratch);
        }
    }

    private void LoadQueries(AttentionTask task, AttentionScratch scratch)
    {
        int dim = _attention.HeadDim;
        for (int query = 0; query < task.Rows * task.Group; query++)
        {
            float* q = _qkv.Row(task.FirstRow + (query / task.Group)) + ((task.FirstQuery + (query % task.Group)) * dim);
            new ReadOnlySpan<float>(q, dim).CopyTo(new Span<float>(scratch.Queries + (query * scratch.PaddedDim), dim));
        }
    }

    /// <summary>Adds a block that lies in the scratch memory.</summary>
    private void AddBlock<T>(AttentionTask task, int start, int count, AttentionScratch scratch)
        where T : struct, IElements
    {
        int queries = task.Rows * task.Group;
        new Span<float>(scratch.Scores, queries * Block).Clear();
        TileProduct.Add<F32Elements>(
            scratch.Queries,
            scratch.PaddedDim,
            (byte*)scratch.Keys,
            Block * sizeof(float),
            scratch.Scores,
            Block,
            queries,
            (count + Lanes.Count - 1) & -Lanes.Count,
            _attention.HeadDim);
        for (int row = 0; row < task.Rows;)
        {
            (int from, int to) = Visible(task.FirstPosition + row, start);
            int rows = RowsAlike(task, row, start, from, to);
            if (from < to)
            {
                Weigh<T>(row * task.Group, rows * task.Group, from, to, scratch);
            }

            row += rows;
        }

        // What all rows see is added at once, between what only the first ones see before it and the last ones behind it.
        int all = Visible(task.FirstPosition + task.Rows - 1, start).From;
        int allEnd = Math.Max(all, Visible(task.FirstPosition, start).To);
        for (int row = 0; row < task.Rows; row++)
        {
            (int from, int to) = Visible(task.FirstPosition + row, start);
            AddValues(task, row, 1, from, Math.Min(to, all), scratch);
        }

        AddValues(task, 0, task.Rows, all, allEnd, scratch);
        for (int row = 0; row < task.Rows; row++)
        {
            (int from, int to) = Visible(task.FirstPosition + row, start);
            AddValues(task, row, 1, Math.Max(from, allEnd), to, scratch);
        }
    }

    /// <summary>Adds values of the block, weighted, for rows that see all of them.</summary>
    private void AddValues(AttentionTask task, int row, int rows, int from, int to, AttentionScratch scratch)
    {
        if (from >= to)
        {
            return;
        }

        int query = row * task.Group;
        TileProduct.Add<F32Elements>(
            scratch.Scores + (query * Block) + from,
            Block,
            (byte*)(scratch.Values + (from * scratch.PaddedDim)),
            scratch.PaddedDim * sizeof(float),
            scratch.Sums + (query * scratch.PaddedDim),
            scratch.PaddedDim,
            rows * task.Group,
            _paddedDim,
            to - from);
    }

    /// <summary>
    /// Adds a block that is read where it lies: runs of 16 tokens. Values are asked for while the scores are computed, the next keys while
    /// values are summed.
    /// </summary>
    private void AddPages<T>(AttentionTask task, int start, int firstToken, int count, AttentionScratch scratch)
        where T : struct, IElements
    {
        byte** keys = stackalloc byte*[Runs];
        byte** values = stackalloc byte*[Runs];
        byte** next = stackalloc byte*[Runs];
        FindRuns<T>(task, start, firstToken, count, keys, values);
        bool isLast = start + Block >= task.FirstPosition + task.Rows;
        if (!isLast)
        {
            FindRuns<T>(task, start + Block, 0, Math.Min(Block, task.FirstPosition + task.Rows - start - Block), next, null);
        }

        // A run of keys is followed by its values everywhere in the pages, but lies in one piece only where a page is one run.
        int queries = task.Rows * task.Group;
        nint runBytes = (nint)Lanes.Count * _attention.HeadDim * T.Size;
        bool inOnePiece = _layout.PageTokens == Lanes.Count && TileProduct.AsksAhead;
        if (!inOnePiece)
        {
            Fetch(values, runBytes);
        }

        new Span<float>(scratch.Scores, queries * Block).Clear();
        TileProduct.Add64<T>(
            scratch.Queries,
            scratch.PaddedDim,
            keys[0],
            keys[1],
            keys[2],
            keys[3],
            (nint)_layout.PageTokens * T.Size,
            scratch.Scores,
            Block,
            queries,
            _attention.HeadDim,
            inOnePiece ? (nint)(_block.ValueOffset - _block.KeyOffset) : 0);
        if (!isLast && !inOnePiece)
        {
            Fetch(next, runBytes);
        }

        for (int row = 0; row < task.Rows;)
        {
            (int from, int to) = Visible(task.FirstPosition + row, start);
            int rows = RowsAlike(task, row, start, from, to);
            int query = row * task.Group;
            if (from < to)
            {
                Weigh<T>(query, rows * task.Group, from, to, scratch);
            }

            for (int token = from; token < to;)
            {
                int run = token / Lanes.Count;
                int runEnd = Math.Min(to, (run + 1) * Lanes.Count);
                TileProduct.Add<T>(
                    scratch.Scores + (query * Block) + token,
                    Block,
                    values[run] + ((nint)(token % Lanes.Count) * _attention.HeadDim * T.Size),
                    (nint)_attention.HeadDim * T.Size,
                    scratch.Sums + (query * scratch.PaddedDim),
                    scratch.PaddedDim,
                    rows * task.Group,
                    _paddedDim,
                    runEnd - token,
                    inOnePiece && !isLast ? (nint)(next[run] - values[run]) : 0);
                token = runEnd;
            }

            row += rows;
        }
    }

    /// <summary>Which positions of the block a row at a position sees.</summary>
    private (int From, int To) Visible(int position, int start)
        => (Math.Max(0, FirstVisible(_attention, position) - start), Math.Min(Block, position + 1 - start));

    /// <summary>How many rows from <paramref name="row"/> on see the same positions of the block.</summary>
    private int RowsAlike(AttentionTask task, int row, int start, int from, int to)
    {
        int rows = 1;
        while (row + rows < task.Rows && Visible(task.FirstPosition + row + rows, start) == (from, to))
        {
            rows++;
        }

        return rows;
    }

    private void StartSegment(int queries, AttentionScratch scratch)
    {
        new Span<float>(scratch.Maxima, queries).Fill(float.NegativeInfinity);
        new Span<float>(scratch.Weights, queries * Lanes.Count).Clear();
        new Span<float>(scratch.Sums, queries * _paddedDim).Clear();
    }

    /// <summary>Adds the segment to the earlier ones, or leaves it for the merge.</summary>
    private void EndSegment(AttentionTask task, int queries, AttentionScratch scratch)
    {
        for (int query = 0; query < queries; query++)
        {
            float* sums = scratch.Sums + (query * scratch.PaddedDim);
            float weights = Lanes.Sum(Vector512.Load(scratch.Weights + (query * Lanes.Count)));
            if (task.Partial < 0)
            {
                scratch.Total(query).Add(scratch.Maxima[query], weights, sums, _paddedDim);
            }
            else
            {
                AttentionMergeJob.Leave(_partials.Floats, task.Partial + query, scratch.Maxima[query], weights, sums, _paddedDim);
            }
        }
    }

    private void StoreResults(AttentionTask task, AttentionScratch scratch)
    {
        int dim = _attention.HeadDim;
        for (int query = 0; query < task.Rows * task.Group; query++)
        {
            int head = task.FirstQuery + (query % task.Group);
            scratch.Total(query).Store(_y.Row(task.FirstRow + (query / task.Group)) + (head * dim), dim, Sinks, head);
        }
    }
}
