using System.Runtime.Intrinsics;
using SLoRA.Backends.Cpu.MachineCode;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Paged attention over latents with an online softmax. All heads of a row, and rows that follow one another, read the same latents: a task
/// brings a block of 64 positions to fp32 once, as keys and as values, and both halves of attention are products of its M queries with that
/// block. A row's result is a function of its position and of what is kept alone, as in <see cref="AttentionJob"/>: the same blocks,
/// segments and order of sums.
/// </summary>
/// <remarks>
/// Legend: H heads, R columns of the latent, K columns that are kept of a token, K' the same padded, M queries of a task (its rows times
/// its heads).
/// </remarks>
/// <param name="workers">Threads that run it.</param>
/// <param name="halves">Machine code that widens half precision; null for the kernels in C#.</param>
internal sealed unsafe class LatentAttentionJob(int workers, HalfWidening? halves) : ComputeJob, IDisposable
{
    private const int Block = AttentionScratch.Block;

    // Heads of a task: more of them would share a block that is shared by enough, and their sums would leave the cache.
    private const int MostHeads = 64;

    // From so many queries on, bringing a block to fp32 and turning it costs little beside the products.
    private const int ManyQueries = 96;

    // Columns of the keys of a block that stay in the first cache while all queries pass.
    private const int KeyColumns = 128;

    private readonly AttentionTasks _tasks = new(workers, ManyQueries);
    private readonly AttentionMergeJob _merge = new();
    private AlignedMemory _memory = new(0);
    private AlignedMemory _partials = new(0);
    private StepPlan _plan = null!;
    private CpuRows _absorbed = null!;
    private CpuRows _q = null!;
    private CpuRows _y = null!;
    private CpuRoutes _routes = null!;
    private LatentAttention _shape = null!;
    private GroupedAttention _attention = null!;
    private CpuPageMemory _pages = null!;
    private KvLayout _layout = null!;
    private LayerBlock _block;
    private int _paddedKey;
    private int _sumColumns;

    /// <summary>Sets the next layer and says in how many parts it comes.</summary>
    public int Prepare(
        StepPlan plan, CpuRows absorbed, CpuRows q, CpuRoutes routes, CpuRows y, LatentAttention attention, CpuPageMemory pages,
        KvLayout layout, int layer)
    {
        _plan = plan;
        _absorbed = absorbed;
        _q = q;
        _routes = routes;
        _y = y;
        _pages = pages;
        _layout = layout;
        _block = layout.Layers[layer];
        if (!attention.Equals(_shape))
        {
            _shape = attention;
            _attention = InParts(attention);
        }

        // An odd number of cache lines: rows of a block that lie a power of two apart would fall into the same sets.
        _paddedKey = Padded(attention.KeyColumns) | Lanes.Count;
        _sumColumns = Padded(attention.Latent);
        _tasks.Cut(plan, _attention, _block.Group);
        AlignedMemory.Grow(ref _memory, workers * AttentionScratch.FloatsFor(_tasks.Queries, _paddedKey));
        AlignedMemory.Grow(
            ref _partials, (_tasks.Partials + _tasks.Merges.Length) * (long)AttentionMergeJob.PartialFloats(_sumColumns));
        return _tasks.Tasks.Length;
    }

    /// <summary>The job to run behind this one, in <paramref name="parts"/> parts, possibly none.</summary>
    public ComputeJob PrepareMerge(out int parts)
    {
        float* scratch = _partials.Floats + (_tasks.Partials * (nint)AttentionMergeJob.PartialFloats(_sumColumns));
        parts = _merge.Prepare(_tasks, _partials.Floats, scratch, _shape.Latent, _y, sinks: null, _routes, _shape.Heads);
        return _merge;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        // Parts are handed out from the last to the first: the last rows of a prompt chunk, which see the most positions, begin.
        AttentionTask task = _tasks.Tasks[part];
        long floats = AttentionScratch.FloatsFor(_tasks.Queries, _paddedKey);
        var scratch = new AttentionScratch(_memory.Floats + (worker * floats), _tasks.Queries, _paddedKey);
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

    /// <summary>One key head that all heads read, cut into parts of equal size where there are many.</summary>
    private static GroupedAttention InParts(LatentAttention attention)
    {
        int parts = (attention.Heads + MostHeads - 1) / MostHeads;
        return attention.Grouped with { KeyValueHeads = parts, HeadsPerKey = (attention.Heads + parts - 1) / parts };
    }

    private static int Padded(int columns) => (columns + Lanes.Count - 1) & -Lanes.Count;

    private void Attend<T>(AttentionTask task, AttentionScratch scratch)
        where T : struct, IElements
    {
        LoadQueries(task, scratch);
        scratch.Begin(task.Queries);
        int end = task.FirstPosition + task.Rows;
        for (int segment = task.FirstSegment; segment < task.FirstSegment + task.Segments; segment++)
        {
            scratch.BeginSegment(task.Queries);
            int segmentEnd = Math.Min(end, (segment + 1) * AttentionJob.Segment);
            for (int start = segment * AttentionJob.Segment; start < segmentEnd; start += Block)
            {
                int count = Math.Min(Block, end - start);
                var seen = new BlockSight(_attention.Sight, task, start);
                LoadBlock<T>(task, start, count, scratch);
                Score(seen, task.Group, count, scratch);
                BlockSoftmax.Weigh<F32Elements>(seen, task.Group, scratch, cap: null, _sumColumns);
                BlockValues.Add(seen, task.Group, scratch, _sumColumns);
            }

            scratch.EndSegment(task, _sumColumns, _partials.Floats);
        }

        for (int query = 0; query < task.Queries && task.Partial < 0; query++)
        {
            scratch.Total(query).Store(Routed(_y, task, query), _shape.Latent, sinks: null, head: 0);
        }
    }

    /// <summary>The routed row of a task's query.</summary>
    private float* Routed(CpuRows rows, AttentionTask task, int query)
    {
        (int row, int head) = Math.DivRem(query, task.Group);
        return rows.Row(_routes.RowOf[((task.FirstRow + row) * _shape.Heads) + task.FirstQuery + head]);
    }

    /// <summary>Queries as one matrix: the absorbed columns of each, then the rotated ones.</summary>
    private void LoadQueries(AttentionTask task, AttentionScratch scratch)
    {
        float factor = BlockSoftmax.QueryFactor(_attention);
        for (int query = 0; query < task.Queries; query++)
        {
            (int row, int head) = Math.DivRem(query, task.Group);
            float* rotated = _q.Row(task.FirstRow + row) + ((task.FirstQuery + head) * _shape.QueryColumns) + _shape.Plain;
            scratch.LoadQuery(query, 0, Routed(_absorbed, task, query), _shape.Latent, factor);
            scratch.LoadQuery(query, _shape.Latent, rotated, _shape.Rotated, factor);
        }
    }

    /// <summary>Brings positions to fp32, <c>[64][K']</c>, and turns them into panels of 16 positions, <c>[4][K'][16]</c>.</summary>
    private void LoadBlock<T>(AttentionTask task, int start, int count, AttentionScratch scratch)
        where T : struct, IElements
    {
        int columns = _shape.KeyColumns;
        for (int token = 0; token < count; token++)
        {
            (int page, int place) = Math.DivRem(start + token, _layout.PageTokens);
            byte* kept = _pages.Address(_plan.PageTables[task.TableStart + page]) + _block.KeyOffset;
            byte* from = kept + ((nint)place * columns * T.Size);
            float* to = scratch.Values + (token * scratch.PaddedDim);
            Widen<T>(from, columns, to);
            if (T.HasScales)
            {
                var scales = (float*)(kept + _block.ScaleOffset) + place;
                Multiply(to, _shape.Latent, scales[0]);
                Multiply(to + _shape.Latent, _shape.Rotated, scales[_layout.PageTokens]);
            }
        }

        for (int token = 0; token < count; token += Lanes.Count)
        {
            Transposition.ToPanel(
                (byte*)(scratch.Values + (token * scratch.PaddedDim)), scratch.PaddedDim * sizeof(float),
                Math.Min(Lanes.Count, count - token), columns, (uint*)(scratch.Keys + (token * scratch.PaddedDim)));
        }
    }

    private void Widen<T>(byte* from, int columns, float* to)
        where T : struct, IElements
    {
        if (typeof(T) == typeof(F16Elements) && halves is not null)
        {
            halves.Widen(new HalfWideningArguments { Source = from, Result = to, Columns = columns, Rows = 1 });
            return;
        }

        int i = 0;
        for (; i + Lanes.Count <= columns; i += Lanes.Count)
        {
            T.Load16(from + (i * T.Size)).Store(to + i);
        }

        for (; i < columns; i++)
        {
            to[i] = T.Load(from + (i * T.Size));
        }
    }

    private static void Multiply(float* x, int count, float factor)
    {
        int i = 0;
        for (; i + Lanes.Count <= count; i += Lanes.Count)
        {
            (Vector512.Load(x + i) * factor).Store(x + i);
        }

        for (; i < count; i++)
        {
            x[i] *= factor;
        }
    }

    /// <summary>Products of all queries with all keys of the block; behind the last position they mean nothing.</summary>
    private void Score(in BlockSight seen, int group, int count, AttentionScratch scratch)
    {
        int firstQuery = seen.FirstRow * group;
        int queries = (seen.EndRow * group) - firstQuery;
        float* scores = scratch.Scores + (firstQuery * Block);
        new Span<float>(scores, queries * Block).Clear();
        nint panel = scratch.PaddedDim * Lanes.Count * sizeof(float);
        for (int column = 0; column < _shape.KeyColumns; column += KeyColumns)
        {
            int columns = Math.Min(KeyColumns, _shape.KeyColumns - column);
            float* x = scratch.Queries + (firstQuery * scratch.PaddedDim) + column;
            byte* w = (byte*)(scratch.Keys + (column * Lanes.Count));
            if (count > Block - Lanes.Count)
            {
                TileProduct.Add64<F32Elements>(
                    x, scratch.PaddedDim, w, w + panel, w + (2 * panel), w + (3 * panel), Lanes.Count * sizeof(float), scores, Block,
                    queries, columns);
                continue;
            }

            for (int first = 0; first < count; first += Lanes.Count)
            {
                TileProduct.Add<F32Elements>(
                    x, scratch.PaddedDim, w + (first / Lanes.Count * panel), Lanes.Count * sizeof(float), scores + first, Block, queries,
                    Lanes.Count, columns);
            }
        }
    }
}
