using System.Runtime.Intrinsics;
using SLoRA.Engine;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Paged attention with an online softmax. A row's result is a function of its position, its window and the keys and values alone: positions
/// go in ascending order in blocks of 64 and segments of 512, both counted from position 0; the running maximum is adjusted at borders of
/// blocks, segments are merged in order.
/// </summary>
/// <remarks>
/// Legend: H query heads, G KV heads, d head dimension, M queries of a task (rows × H / G). A task brings 64 keys and values to fp32 once for
/// all its queries. Memory behind the last position of a page may hold anything: its scores are dropped and its values are never read.
/// </remarks>
internal sealed unsafe class AttentionJob(int workers) : ComputeJob, IDisposable
{
    /// <summary>Positions whose sums are kept apart until the segment's end.</summary>
    public const int Segment = 512;

    private const int Block = AttentionScratch.Block;
    private const int QueriesPerTask = 16;

    private AttentionTask[] _tasks = new AttentionTask[64];
    private int _taskCount;
    private AlignedMemory _memory = new(0);
    private StepPlan _plan = null!;
    private CpuRows _qkv = null!;
    private CpuRows _y = null!;
    private AttentionDescription _attention = null!;
    private CpuPageMemory _pages = null!;
    private KvLayout _layout = null!;
    private LayerBlock _block;
    private int _queries;
    private int _paddedDim;

    /// <summary>Sets the next layer and says in how many parts it comes.</summary>
    public int Prepare(StepPlan plan, CpuRows qkv, CpuRows y, AttentionDescription attention, CpuPageMemory pages, KvLayout layout, int layer)
    {
        _plan = plan;
        _qkv = qkv;
        _y = y;
        _attention = attention;
        _pages = pages;
        _layout = layout;
        _block = layout.Layers[layer];
        int group = attention.Heads / attention.KeyValueHeads;
        int rowsPerTask = Math.Max(1, QueriesPerTask / group);
        _queries = rowsPerTask * group;
        _paddedDim = (attention.HeadDim + 15) & ~15;
        long bytes = workers * AttentionScratch.FloatsFor(_queries, _paddedDim) * sizeof(float);
        if (_memory.Bytes < bytes)
        {
            _memory.Dispose();
            _memory = new AlignedMemory(bytes);
        }

        _taskCount = 0;
        foreach (StepSlice slice in plan.Slices)
        {
            for (int i = 0; i < slice.RowCount; i += rowsPerTask)
            {
                for (int head = 0; head < attention.KeyValueHeads; head++)
                {
                    if (_taskCount == _tasks.Length)
                    {
                        Array.Resize(ref _tasks, 2 * _tasks.Length);
                    }

                    _tasks[_taskCount++] = new AttentionTask(
                        slice.FirstRow + i, Math.Min(rowsPerTask, slice.RowCount - i), slice.FirstPosition + i, slice.TableStart, head);
                }
            }
        }

        return _taskCount;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        // The last rows of a prompt chunk see the most positions, so they go first.
        AttentionTask task = _tasks[_taskCount - 1 - part];
        var scratch = new AttentionScratch(
            _memory.Floats + (worker * AttentionScratch.FloatsFor(_queries, _paddedDim)), _queries, _paddedDim);
        switch (_layout.Type)
        {
            case TensorType.F32:
                Attend<F32Elements>(task, scratch);
                break;
            case TensorType.F16:
                Attend<F16Elements>(task, scratch);
                break;
            default:
                Attend<Bf16Elements>(task, scratch);
                break;
        }
    }

    /// <summary>Frees the scratch memory.</summary>
    public void Dispose() => _memory.Dispose();

    private void Attend<T>(AttentionTask task, AttentionScratch scratch)
        where T : struct, IElements
    {
        int group = _attention.Heads / _attention.KeyValueHeads;
        int queries = task.Rows * group;
        LoadQueries(task, group, scratch);
        new Span<float>(scratch.TotalMaxima, queries).Fill(float.NegativeInfinity);
        int first = FirstVisible(task.FirstPosition);
        int end = task.FirstPosition + task.Rows;
        int segment = first / Segment;
        StartSegment(queries, scratch);
        for (int start = first / Block * Block; start < end; start += Block)
        {
            if (start / Segment != segment)
            {
                EndSegment(queries, scratch);
                StartSegment(queries, scratch);
                segment = start / Segment;
            }

            int count = Math.Min(Block, end - start);
            LoadBlock<T>(task, start, Math.Max(0, first - start), count, scratch);
            AddBlock(task, group, start, count, scratch);
        }

        EndSegment(queries, scratch);
        StoreResults(task, group, scratch);
    }

    private int FirstVisible(int position) => _attention.Window is int window ? Math.Max(0, position - window + 1) : 0;

    private void LoadQueries(AttentionTask task, int group, AttentionScratch scratch)
    {
        int dim = _attention.HeadDim;
        for (int row = 0; row < task.Rows; row++)
        {
            float* q = _qkv.Row(task.FirstRow + row) + (task.Head * group * dim);
            for (int g = 0; g < group; g++)
            {
                new ReadOnlySpan<float>(q + (g * dim), dim).CopyTo(new Span<float>(scratch.Queries + (((row * group) + g) * scratch.PaddedDim), dim));
            }
        }
    }

    /// <summary>Brings positions start + from … start + count − 1 to fp32; whole runs of up to 16 tokens of a page at a time.</summary>
    private void LoadBlock<T>(AttentionTask task, int start, int from, int count, AttentionScratch scratch)
        where T : struct, IElements
    {
        int pageTokens = _layout.PageTokens;
        int run = Math.Min(pageTokens, Lanes.Count);
        ReadOnlySpan<int> table = _plan.PageTables[task.TableStart..];
        for (int token = from / run * run; token < count; token += run)
        {
            (int page, int place) = Math.DivRem(start + token, pageTokens);
            byte* address = _pages.Address(table[page]);
            LoadKeys<T>(address + _block.KeyOffset + (task.Head * _block.HeadBytes) + (place * T.Size), run, scratch.Keys + token);
            LoadValues<T>(
                address + _block.ValueOffset + (task.Head * _block.HeadBytes) + (place * _attention.HeadDim * T.Size),
                Math.Min(run, count - token),
                scratch.Values + (token * scratch.PaddedDim));
        }
    }

    private void LoadKeys<T>(byte* source, int run, float* destination)
        where T : struct, IElements
    {
        int dim = _attention.HeadDim;
        nint rowBytes = _layout.PageTokens * T.Size;
        if (run == Lanes.Count)
        {
            for (int i = 0; i < dim; i++)
            {
                T.Load16(source + (i * rowBytes)).Store(destination + (i * Block));
            }

            return;
        }

        for (int i = 0; i < dim; i++)
        {
            for (int t = 0; t < run; t++)
            {
                destination[(i * Block) + t] = T.Load(source + (i * rowBytes) + (t * T.Size));
            }
        }
    }

    private void LoadValues<T>(byte* source, int tokens, float* destination)
        where T : struct, IElements
    {
        int dim = _attention.HeadDim;
        for (int t = 0; t < tokens; t++)
        {
            int i = 0;
            for (; i + Lanes.Count <= dim; i += Lanes.Count)
            {
                T.Load16(source + (i * T.Size)).Store(destination + i);
            }

            for (; i < dim; i++)
            {
                destination[i] = T.Load(source + (i * T.Size));
            }

            source += dim * T.Size;
            destination += _paddedDim;
        }
    }

    private void AddBlock(AttentionTask task, int group, int start, int count, AttentionScratch scratch)
    {
        int queries = task.Rows * group;
        int columns = (count + Lanes.Count - 1) & -Lanes.Count;
        new Span<float>(scratch.Scores, queries * Block).Clear();
        TileProduct.Add<F32Elements>(
            scratch.Queries, scratch.PaddedDim, (byte*)scratch.Keys, Block * sizeof(float), scratch.Scores, Block, queries, columns, _attention.HeadDim);
        for (int row = 0; row < task.Rows; row++)
        {
            int position = task.FirstPosition + row;
            int from = Math.Max(0, FirstVisible(position) - start);
            int to = Math.Min(Block, position + 1 - start);
            if (from >= to)
            {
                continue;
            }

            int query = row * group;
            for (int g = 0; g < group; g++)
            {
                Weigh(query + g, from, to, scratch);
            }

            TileProduct.Add<F32Elements>(
                scratch.Scores + (query * Block) + from,
                Block,
                (byte*)(scratch.Values + (from * scratch.PaddedDim)),
                scratch.PaddedDim * sizeof(float),
                scratch.Sums + (query * scratch.PaddedDim),
                scratch.PaddedDim,
                group,
                _paddedDim,
                to - from);
        }
    }

    /// <summary>Turns the scores of one query into weights <c>e^(s − max)</c> and scales what the segment has so far to the new maximum.</summary>
    private void Weigh(int query, int from, int to, AttentionScratch scratch)
    {
        float* scores = scratch.Scores + (query * Block);
        Vector512<float> scale = Vector512.Create(_attention.ScoreScale);
        Vector512<float> low = Vector512.Create(float.NegativeInfinity);
        Vector512<float> largest = Vector512.Create(scratch.Maxima[query]);
        for (int i = 0; i < Block; i += Lanes.Count)
        {
            Vector512<int> index = Lanes.Indices + Vector512.Create(i);
            Vector512<int> visible = Vector512.GreaterThanOrEqual(index, Vector512.Create(from)) & Vector512.LessThan(index, Vector512.Create(to));
            Vector512<float> score = Vector512.ConditionalSelect(visible.AsSingle(), Vector512.Load(scores + i) * scale, low);
            score.Store(scores + i);
            largest = Vector512.Max(largest, score);
        }

        float maximum = Lanes.Max(largest);
        Vector512<float> weights = Vector512.Load(scratch.Weights + (query * Lanes.Count));
        if (maximum > scratch.Maxima[query])
        {
            Vector512<float> factor = Lanes.Exp(Vector512.Create(scratch.Maxima[query] - maximum));
            scratch.Maxima[query] = maximum;
            weights *= factor;
            float* sums = scratch.Sums + (query * scratch.PaddedDim);
            for (int i = 0; i < _paddedDim; i += Lanes.Count)
            {
                (Vector512.Load(sums + i) * factor).Store(sums + i);
            }
        }

        for (int i = 0; i < Block; i += Lanes.Count)
        {
            Vector512<float> weight = Lanes.Exp(Vector512.Load(scores + i) - Vector512.Create(maximum));
            weight.Store(scores + i);
            weights += weight;
        }

        weights.Store(scratch.Weights + (query * Lanes.Count));
    }

    private void StartSegment(int queries, AttentionScratch scratch)
    {
        new Span<float>(scratch.Maxima, queries).Fill(float.NegativeInfinity);
        new Span<float>(scratch.Weights, queries * Lanes.Count).Clear();
        new Span<float>(scratch.Sums, queries * _paddedDim).Clear();
    }

    /// <summary>Merges the segment into the earlier ones: <c>total e^(M − max) + segment e^(m − max)</c>.</summary>
    private void EndSegment(int queries, AttentionScratch scratch)
    {
        for (int query = 0; query < queries; query++)
        {
            if (scratch.Maxima[query] == float.NegativeInfinity)
            {
                continue;
            }

            float* sums = scratch.Sums + (query * scratch.PaddedDim);
            float* totals = scratch.TotalSums + (query * scratch.PaddedDim);
            float weights = Lanes.Sum(Vector512.Load(scratch.Weights + (query * Lanes.Count)));
            if (scratch.TotalMaxima[query] == float.NegativeInfinity)
            {
                scratch.TotalMaxima[query] = scratch.Maxima[query];
                scratch.TotalWeights[query] = weights;
                new ReadOnlySpan<float>(sums, _paddedDim).CopyTo(new Span<float>(totals, _paddedDim));
                continue;
            }

            float maximum = MathF.Max(scratch.TotalMaxima[query], scratch.Maxima[query]);
            float totalFactor = Lanes.Exp(scratch.TotalMaxima[query] - maximum);
            float factor = Lanes.Exp(scratch.Maxima[query] - maximum);
            scratch.TotalMaxima[query] = maximum;
            scratch.TotalWeights[query] = (scratch.TotalWeights[query] * totalFactor) + (weights * factor);
            for (int i = 0; i < _paddedDim; i += Lanes.Count)
            {
                ((Vector512.Load(totals + i) * totalFactor) + (Vector512.Load(sums + i) * factor)).Store(totals + i);
            }
        }
    }

    private void StoreResults(AttentionTask task, int group, AttentionScratch scratch)
    {
        int dim = _attention.HeadDim;
        for (int query = 0; query < task.Rows * group; query++)
        {
            float* y = _y.Row(task.FirstRow + (query / group)) + (((task.Head * group) + (query % group)) * dim);
            float* totals = scratch.TotalSums + (query * scratch.PaddedDim);
            float divisor = scratch.TotalWeights[query];
            for (int i = 0; i < dim; i++)
            {
                y[i] = totals[i] / divisor;
            }
        }
    }
}
