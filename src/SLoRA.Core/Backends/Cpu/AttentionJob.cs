using System.Numerics;
using SLoRA.Backends.Cpu.MachineCode;
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
/// <param name="workers">Threads that run it.</param>
/// <param name="halves">Machine code that widens half precision; null for the kernels in C#.</param>
internal sealed unsafe partial class AttentionJob(int workers, HalfWidening? halves) : ComputeJob, IDisposable
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
    private Sight _sight;
    private int _paddedDim;
    private int _pageShift;

    /// <summary>One more score for each head of the next layer, which no value belongs to; null for none.</summary>
    public CpuVector? Sinks { get; set; }

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
        _sight = attention.Sight;
        _pageShift = BitOperations.Log2((uint)layout.PageTokens);
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
        // Parts are handed out from the last to the first: the last rows of a prompt chunk, which see the most positions, begin.
        AttentionTask task = _tasks.Tasks[part];
        AttentionTask? next = part >= workers ? _tasks.Tasks[part - workers] : null;
        long floats = AttentionScratch.FloatsFor(_tasks.Queries, _paddedDim);
        var scratch = new AttentionScratch(_memory.Floats + (worker * floats), _tasks.Queries, _paddedDim);
        switch (_layout.Type)
        {
            case TensorType.F32:
                Attend<F32Elements>(task, next, scratch);
                break;
            case TensorType.F16:
                Attend<F16Elements>(task, next, scratch);
                break;
            case TensorType.BF16:
                Attend<Bf16Elements>(task, next, scratch);
                break;
            case TensorType.I8:
                Attend<I8Elements>(task, next, scratch);
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

    private void Attend<T>(AttentionTask task, AttentionTask? following, AttentionScratch scratch)
        where T : struct, IElements
    {
        LoadQueries(task, scratch);
        scratch.Begin(task.Queries);
        bool findsRuns = _layout.PageTokens >= Lanes.Count;
        bool isFew = task.Queries < ManyQueries;
        bool direct = isFew && findsRuns && _attention.HeadDim == _paddedDim && !Widens<T>();
        PageRun* runs = stackalloc PageRun[Runs];
        PageRun* next = stackalloc PageRun[Runs];
        bool found = false;
        int first = _sight.FirstVisible(task.FirstPosition);
        int end = task.FirstPosition + task.Rows;
        for (int segment = task.FirstSegment; segment < task.FirstSegment + task.Segments; segment++)
        {
            scratch.BeginSegment(task.Queries);
            int segmentEnd = Math.Min(end, (segment + 1) * Segment);
            for (int start = Math.Max(first / Block * Block, segment * Segment); start < segmentEnd; start += Block)
            {
                int count = Math.Min(Block, end - start);
                int from = Math.Max(0, first - start);
                var seen = new BlockSight(_sight, task, start);
                bool hasNext = findsRuns && start + Block < end;
                if (hasNext)
                {
                    FindRuns<T>(task, start + Block, 0, Math.Min(Block, end - start - Block), next);
                }
                else if (findsRuns && following is { } other)
                {
                    // Behind the last block, what the thread most likely begins with next.
                    FindFirstRuns<T>(other, next);
                    hasNext = true;
                }

                if (!direct)
                {
                    LoadBlock<T>(task, start, from, count, hasNext && isFew ? next : null, scratch);
                    AddBlock<T>(task, seen, hasNext && !(isFew && Widens<T>()) ? next : null, scratch);
                    continue;
                }

                if (!found)
                {
                    FindRuns<T>(task, start, from, count, runs);
                    found = true;
                }

                AddPages<T>(task, seen, runs, hasNext ? next : null, scratch);
                PageRun* used = runs;
                runs = next;
                next = used;
            }

            scratch.EndSegment(task, _paddedDim, _partials.Floats);
        }

        if (task.Partial < 0)
        {
            StoreResults(task, scratch);
        }
    }

    private void LoadQueries(AttentionTask task, AttentionScratch scratch)
    {
        int dim = _attention.HeadDim;
        float factor = BlockSoftmax.QueryFactor(_attention);
        for (int query = 0; query < task.Queries; query++)
        {
            float* q = _qkv.Row(task.FirstRow + (query / task.Group)) + ((task.FirstQuery + (query % task.Group)) * dim);
            scratch.LoadQuery(query, 0, q, dim, factor);
        }
    }

    /// <summary>Adds a block that lies in the scratch memory, and asks for the next one while its scores are computed.</summary>
    private void AddBlock<T>(AttentionTask task, in BlockSight seen, PageRun* next, AttentionScratch scratch)
        where T : struct, IElements
    {
        int end = seen.EndRow * task.Group;
        int query = seen.FirstRow * task.Group;
        new Span<float>(scratch.Scores + (query * Block), (end - query) * Block).Clear();
        int share = (((end - query + Runs - 1) / Runs) + TileProduct.Rows - 1) / TileProduct.Rows * TileProduct.Rows;
        for (int run = 0; query < end; run++, query += share)
        {
            if (next is not null)
            {
                // All at once they would wait for each other, and the first products behind them.
                FetchRun<T>(next[run]);
            }

            int queries = Math.Min(share, end - query);
            int columns = seen.Of((query + queries - 1) / task.Group).To;
            TileProduct.Add<F32Elements>(
                scratch.Queries + (query * scratch.PaddedDim),
                scratch.PaddedDim,
                (byte*)scratch.Keys,
                Block * sizeof(float),
                scratch.Scores + (query * Block),
                Block,
                queries,
                (columns + Lanes.Count - 1) & -Lanes.Count,
                _attention.HeadDim);
        }

        BlockSoftmax.Weigh<T>(seen, task.Group, scratch, _attention.ScoreCap, _paddedDim);
        BlockValues.Add(seen, task.Group, scratch, _paddedDim);
    }

    private void StoreResults(AttentionTask task, AttentionScratch scratch)
    {
        int dim = _attention.HeadDim;
        for (int query = 0; query < task.Queries; query++)
        {
            int head = task.FirstQuery + (query % task.Group);
            scratch.Total(query).Store(_y.Row(task.FirstRow + (query / task.Group)) + (head * dim), dim, Sinks, head);
        }
    }
}
