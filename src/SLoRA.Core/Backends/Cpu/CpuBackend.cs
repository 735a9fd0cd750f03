using System.Collections.Immutable;
using SLoRA.Backends.Cpu.MachineCode;
using SLoRA.Backends.Sharded;
using SLoRA.Formats;
using SLoRA.Native;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The operations in C# with vectors of 512, 256 or 128 bits, shared out over a fixed set of threads. A row's result has the same bits
/// whatever else is in the step and on any number of threads, and the same at any vector width that has the same <see cref="MultiplyAdd"/>.
/// Where that is fused, products with weights as stored have the bits of the Reference backend.
/// </summary>
internal sealed unsafe partial class CpuBackend : IBackend
{
    private readonly int _rowLimit;
    private readonly CpuWeights _weights;
    private readonly CpuPrecision _precision;
    private readonly int _outputLimit;
    private readonly ComputeThreads _threads;
    private readonly List<AlignedMemory> _memory = [];
    private readonly PackedWeights _baseWeights;
    private readonly List<CpuRope> _ropes = [];
    private readonly LoraStep _lora;
    private readonly QuantizedInputs _quantized;
    private readonly QuantizeJob _quantize;
    private readonly ProductJob _product;
    private readonly ShrinkJob _shrink;
    private readonly PairJob _pair = new();
    private readonly ColumnJob _column = new();
    private readonly ExpandJob _expand;
    private readonly ShrinkJob _changedRows;
    private readonly ChangeJob _change;
    private readonly EmbedJob _embed;
    private readonly NormJob _norm;
    private readonly GateJob _gate;
    private readonly AddJob _add;
    private readonly GateClampedJob _gateClamped;
    private readonly RouteJob _route;
    private readonly SpreadJob _spread;
    private readonly ExpertProductJob _expertProduct;
    private readonly CombineJob _combine;
    private readonly AddGatedJob _addGated;
    private readonly HeadsJob _heads;
    private readonly LatentStoreJob _latentStore;
    private readonly LatentAttentionJob _latentAttention;
    private readonly LayerNormJob _layerNorm;
    private readonly ApplyJob _apply;
    private readonly RotateJob _rotate;
    private readonly PositionScaleJob _positionScale;
    private readonly MultiplyJob _multiply;
    private readonly ConvolveJob _convolve = new();
    private readonly HeadsNormJob _headsNorm;
    private readonly List<CpuRows> _squares = [];
    private readonly RegroupJob _regroup;
    private readonly RecurJob _recur = new();
    private readonly NormGatedJob _normGated;
    private readonly KeyValueStoreJob _store;
    private readonly AttentionJob _attention;
    private readonly CpuShard? _shard;
    private KvLayout? _layout;
    private CpuPageMemory? _pages;
    private StepPlan? _plan;

    /// <summary>Starts the threads and makes the working memory.</summary>
    /// <param name="rowLimit">The most rows of a step.</param>
    /// <param name="outputLimit">The most output rows of a step.</param>
    /// <param name="threads">Threads including the caller's; null takes as many as the process may use.</param>
    /// <param name="weights">How matrices are kept.</param>
    /// <param name="collective">Makes what this backend exchanges rows with others with, of which it is one shard; null for none.</param>
    /// <param name="machineCode">Whether machine code of the library's own may run.</param>
    /// <param name="placement">Where the threads run; null for anywhere.</param>
    /// <param name="precision">Whether weights of few bits may be computed with integers.</param>
    /// <param name="image">Where packed weights are kept in a file; null for nowhere.</param>
    public CpuBackend(
        int rowLimit,
        int outputLimit,
        int? threads = null,
        CpuWeights weights = CpuWeights.AsStored,
        Func<ComputeThreads, ICollective>? collective = null,
        MachineCodeUse machineCode = MachineCodeUse.Automatic,
        CpuPrecision precision = CpuPrecision.Automatic,
        ThreadPlacement? placement = null,
        ImagePlace? image = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rowLimit, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(outputLimit);
        int workers = threads ?? Environment.ProcessorCount;
        _threads = new ComputeThreads(workers, placement);
        _rowLimit = rowLimit;
        _weights = weights;
        _precision = precision;
        _outputLimit = outputLimit;
        WordProducts? code = machineCode == MachineCodeUse.Off ? null : WordProducts.Process;
        HalfWidening? halves = machineCode == MachineCodeUse.Off ? null : HalfWidening.Process;
        _baseWeights = new PackedWeights(_threads, weights, precision, image);
        _shard = collective is null ? null : new CpuShard(collective(_threads), NewRows);
        _lora = new LoraStep(rowLimit, _shard?.Collective.Shard, _shard?.Collective.Shards ?? 1);
        _quantized = new QuantizedInputs(Math.Max(rowLimit, outputLimit), precision == CpuPrecision.Fast);
        _quantize = new QuantizeJob(workers);
        AlignedMemory results = Allocate(ProductJob.BytesFor(workers));
        _product = new ProductJob(workers, results, code, _baseWeights.Space);
        _expertProduct = new ExpertProductJob(workers, results, code, _baseWeights.Space);
        _gateClamped = new GateClampedJob(workers);
        _route = new RouteJob(workers);
        _spread = new SpreadJob(workers);
        _combine = new CombineJob(workers);
        _addGated = new AddGatedJob(workers);
        _heads = new HeadsJob(workers);
        _latentStore = new LatentStoreJob(workers);
        _latentAttention = new LatentAttentionJob(workers, halves);
        _shrink = new ShrinkJob(workers, halves);
        _changedRows = new ShrinkJob(workers, halves);
        _change = new ChangeJob(workers);
        _expand = new ExpandJob(workers, Allocate(ExpandJob.BytesFor(workers)), halves);
        _embed = new EmbedJob(workers);
        _norm = new NormJob(workers);
        _headsNorm = new HeadsNormJob(workers);
        _gate = new GateJob(workers);
        _add = new AddJob(workers);
        _layerNorm = new LayerNormJob(workers);
        _apply = new ApplyJob(workers);
        _rotate = new RotateJob(workers);
        _positionScale = new PositionScaleJob(workers);
        _multiply = new MultiplyJob(workers);
        _regroup = new RegroupJob(workers);
        _normGated = new NormGatedJob(workers);
        _store = new KeyValueStoreJob(workers);
        _attention = new AttentionJob(workers, halves);
        Status = new BackendStatus
        {
            Name = Name,
            VectorBits = InstructionSets.VectorBits,
            FusedMultiplyAdd = MultiplyAdd.IsFused,
            Instructions = InstructionSets.Description,
            MachineCode = machineCode == MachineCodeUse.Off ? "none: switched off" : MachineCodeStatus.Text,
        };
    }

    /// <inheritdoc/>
    public string Name => "Cpu";

    /// <inheritdoc/>
    public BackendStatus Status { get; private set; }

    /// <inheritdoc/>
    public string? Shortcoming => InstructionSets.Missing is null ? null : InstructionSets.Description;

    /// <inheritdoc/>
    public IPageMemory Pages => PageMemory;

    private CpuPageMemory PageMemory => _pages ?? throw new InvalidOperationException("The pages are not allocated yet.");

    private StepPlan Plan => _plan ?? throw new InvalidOperationException("No step has begun.");

    /// <inheritdoc/>
    public void AllocatePages(KvLayout layout, int pageCount)
    {
        if (_pages is not null)
        {
            throw new InvalidOperationException("The pages are allocated already.");
        }

        _layout = layout;
        var pages = new AlignedMemory(pageCount * layout.PageBytes, LargePages.Bytes, MemoryUse.Pool);
        _memory.Add(pages);
        LargePages.Advise(pages.Address, pages.Bytes);
        _pages = new CpuPageMemory(pages, pageCount, layout.PageBytes);
    }

    /// <inheritdoc/>
    public bool FindWeights(ModelFiles files) => _baseWeights.Find(files);

    /// <inheritdoc/>
    public void ReserveWeights(IEnumerable<long> sizes)
    {
    }

    /// <inheritdoc/>
    public RowRounding? RoundingOf(WeightFormat taken, bool givesLogits, Partition? partition) =>
        CpuFormats.RoundingOf(taken, _weights, givesLogits, partition, _precision);

    /// <inheritdoc/>
    public DeviceMatrix LoadMatrix(WeightSource source) => _baseWeights.Matrix(source);

    /// <inheritdoc/>
    public DeviceTable LoadTable(WeightSource source) => _baseWeights.Table(source);

    /// <inheritdoc/>
    public DeviceVector LoadVector(WeightSource source) => _baseWeights.Vector(source);

    /// <inheritdoc/>
    public DeviceRows CreateRows(RowSet rows, int width) => NewRows(rows, width);

    /// <inheritdoc/>
    public DeviceExperts LoadExperts(ExpertSources sources) => new CpuExperts(sources, _baseWeights);

    /// <inheritdoc/>
    public DeviceRoutes CreateRoutes(int experts, int chosen)
    {
        _quantized.Reserve(_rowLimit * chosen);
        return new CpuRoutes(experts, chosen, _rowLimit);
    }

    /// <inheritdoc/>
    public DeviceRoutes CreateRoutes(int experts, int chosen, Run own)
    {
        _quantized.Reserve(_rowLimit * chosen);
        return new CpuRoutes(experts, chosen, _rowLimit, own);
    }

    /// <inheritdoc/>
    public DeviceRows CreateRoutedRows(DeviceRoutes routes, int width)
    {
        int limit = _rowLimit * routes.Chosen;
        return new CpuRows(RowSet.Routed, width, limit, Allocate(CpuRows.BytesFor(width, limit)), routes.Chosen)
        {
            Routes = (CpuRoutes)routes,
        };
    }

    /// <inheritdoc/>
    public DeviceRope CreateRope(RopeDescription rope)
    {
        var created = new CpuRope(rope, _rowLimit, Allocate(CpuRope.BytesFor(rope, _rowLimit)));
        _ropes.Add(created);
        return created;
    }

    /// <inheritdoc/>
    public void CompleteLoading(DecoderShape decoder) =>
        Status = Status with { PackedImage = _baseWeights.Complete(), Weights = _baseWeights.Description };

    /// <inheritdoc/>
    public void BeginStep(StepPlan plan)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(plan.RowCount, _rowLimit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(plan.OutputCount, _outputLimit);
        _plan = plan;
        foreach (CpuRope rope in _ropes)
        {
            rope.SetPositions(plan);
        }

        _store.Begin(plan);
        _lora.Begin(plan);
        _shard?.Collective.BeginStep();
    }

    /// <inheritdoc/>
    public void Embed(DeviceTable table, int target, DeviceRows x)
    {
        var rows = (CpuRows)x;
        var entries = (CpuTable)table;
        if (_shard is { } shard)
        {
            EmbedShared(shard, entries, target, rows);
            return;
        }

        Run(_embed, _embed.Prepare(entries, Plan.Tokens, 0, rows));
        for (int pass = 0; pass < _lora.Passes; pass++)
        {
            bool changed = _lora.HasChanges && _lora.GatherEmbeddingChanges(target, pass, rows.Width);
            if (changed)
            {
                Run(_change, _change.PrepareRows(_lora.Changes, rows, PageMemory));
            }

            if (_lora.GatherEmbedding(target, pass))
            {
                Run(_column, _column.Prepare(_lora.Work, PageMemory, Plan.Tokens, 0));
                Run(_expand, _expand.Prepare(_lora.Work, rows, PageMemory));
            }

            if (changed)
            {
                Run(_change, _change.PrepareSums(_lora.Changes, rows, PageMemory));
            }
        }
    }

    /// <inheritdoc/>
    public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y)
        => Run(_norm, _norm.Prepare((CpuRows)x, (CpuRows)y, 0, 1, (CpuVector)weight, epsilon, RowCount(x), OwnWeights(x, weight)));

    /// <inheritdoc/>
    public void LayerNorm(DeviceRows x, DeviceVector weight, DeviceVector? bias, float epsilon, DeviceRows y)
        => Run(_layerNorm, _layerNorm.Prepare(
            (CpuRows)x, (CpuRows)y, (CpuVector)weight, (CpuVector?)bias, epsilon, RowCount(x), OwnWeights(x, weight)));

    /// <inheritdoc/>
    public void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z)
        => Run(_norm, _norm.PrepareSum((CpuRows)x, (CpuRows)y, (CpuRows)z, (CpuVector)weight, epsilon, RowCount(x), OwnWeights(x, weight)));

    /// <inheritdoc/>
    public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon)
    {
        if (((CpuVector)weight).Heads is { } together)
        {
            NormTogether((CpuRows)x, firstColumn, (CpuVector)weight, together, epsilon);
            return;
        }

        Run(_norm, _norm.Prepare(
            (CpuRows)x, (CpuRows)x, firstColumn, heads, (CpuVector)weight, epsilon, RowCount(x), OwnWeights(x, weight)));
    }

    /// <inheritdoc/>
    public void Linear(LinearGroup group, DeviceRows x, DeviceRows y)
    {
        if (RowCount(x) == 0)
        {
            return;
        }

        var inputs = (CpuRows)x;
        var outputs = (CpuRows)y;
        bool adapted = _lora.Gather(group, x.Rows, 0);
        _quantized.Prepare(group);
        int quantizeParts = _quantize.Prepare(inputs, _quantized, RowCount(x));
        if (adapted)
        {
            // Both read x and nothing else, so they share one wait.
            Run(_pair, _pair.Prepare(_shrink, _shrink.Prepare(_lora.Work, inputs, PageMemory), _quantize, quantizeParts));
        }
        else
        {
            Run(_quantize, quantizeParts);
        }

        if (_shard is not null && group.Partition is { Axis: PartitionAxis.Columns })
        {
            SumShared(_shard, group, inputs, outputs, adapted);
            return;
        }

        int expandParts = 0;
        if (adapted)
        {
            if (_shard is not null && group.Partition is not null)
            {
                _shard.GatherRanks(_lora.Work);
            }

            expandParts = _expand.Prepare(_lora.Work, outputs, PageMemory);
        }

        bool changed = _lora.HasChanges && _lora.GatherChanges(group, x.Rows, 0);
        bool hasRows = changed && _lora.Changes.HasRows;
        Run(_product, _product.Prepare(group, inputs, _quantized, outputs, RowCount(x), adapted && !hasRows ? _expand : null));
        if (hasRows)
        {
            // Deltas come on top of own rows, which take the place of what the product gives.
            TakeRows(inputs, outputs);
            Run(_expand, expandParts);
        }

        if (changed)
        {
            Run(_change, _change.PrepareSums(_lora.Changes, outputs, PageMemory));
        }

        for (int pass = 1; pass < _lora.Passes; pass++)
        {
            AddPass(group, inputs, outputs, pass);
        }
    }

    /// <inheritdoc/>
    public void Rotate(DeviceRows x, int firstColumn, int heads, int headDim, DeviceRope rope)
        => Run(_rotate, _rotate.Prepare((CpuRows)x, firstColumn, heads, headDim, (CpuRope)rope, RowCount(x)));

    /// <inheritdoc/>
    public void ScaleByPosition(PositionScale scale, DeviceRows x, int columns)
        => Run(_positionScale, _positionScale.Prepare(scale, (CpuRows)x, columns, Plan));

    /// <inheritdoc/>
    public void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope)
        => Run(_store, _store.Prepare((CpuRows)qkv, (CpuRope)rope, attention, PageMemory, _layout!, layer));

    /// <inheritdoc/>
    public void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y, DeviceVector? sinks = null)
    {
        _attention.Sinks = (CpuVector?)sinks;
        Run(_attention, _attention.Prepare(Plan, (CpuRows)qkv, (CpuRows)y, attention, PageMemory, _layout!, layer));
        ComputeJob merge = _attention.PrepareMerge(out int parts);
        Run(merge, parts);
    }

    /// <inheritdoc/>
    public void Gate(Activation activation, DeviceRows x, DeviceRows y)
        => Run(_gate, _gate.Prepare(activation, (CpuRows)x, (CpuRows)y, RowCount(x)));

    /// <inheritdoc/>
    public void Apply(ElementFunction function, DeviceRows x, int firstColumn, int columns)
        => Run(_apply, _apply.Prepare(function, (CpuRows)x, firstColumn, columns, RowCount(x)));

    /// <inheritdoc/>
    public void GateClamped(ClampedGate gate, DeviceRows x, DeviceRows y)
        => Run(_gateClamped, _gateClamped.Prepare(gate, (CpuRows)x, (CpuRows)y, RowCount(x)));

    /// <inheritdoc/>
    public void Multiply(DeviceRows y, int yColumn, DeviceRows x, int xColumn, int columns)
        => Run(_multiply, _multiply.Prepare((CpuRows)y, yColumn, (CpuRows)x, xColumn, columns, RowCount(x)));

    /// <inheritdoc/>
    public void Convolve(DeviceRows x, int firstColumn, ShortConvolution convolution, int state, DeviceRows y)
        => Run(_convolve, _convolve.Prepare(
            Plan, (CpuRows)x, firstColumn, convolution, _layout!.States[state], PageMemory, (CpuRows)y));

    /// <inheritdoc/>
    public void Regroup(DeviceRows x, ImmutableArray<ColumnRun> runs, DeviceRows y)
        => Run(_regroup, _regroup.Prepare((CpuRows)x, runs, (CpuRows)y, RowCount(x)));

    /// <inheritdoc/>
    public void Recur(DeviceRows x, DeviceRows steps, LoadedRecurrence recurrence, int state, DeviceRows y)
        => Run(_recur, _recur.Prepare(
            Plan, (CpuRows)x, (CpuRows)steps, recurrence, _layout!.States[state], PageMemory, (CpuRows)y));

    /// <inheritdoc/>
    public void NormGated(
        DeviceRows x, int heads, DeviceVector weight, float epsilon, DeviceRows gates, int gateColumn, bool gatesFirst)
        => Run(_normGated, _normGated.Prepare(
            (CpuRows)x, heads, (CpuVector)weight, epsilon, (CpuRows)gates, gateColumn, gatesFirst, RowCount(x)));

    /// <inheritdoc/>
    public void Add(DeviceRows x, DeviceRows y) => Run(_add, _add.Prepare((CpuRows)x, (CpuRows)y, RowCount(x)));

    /// <inheritdoc/>
    public void Route(DeviceRows logits, Routing routing, DeviceVector? correction, DeviceVector? factors, DeviceRoutes routes)
    {
        var chosen = (CpuRoutes)routes;
        Run(_route, _route.Prepare(
            (CpuRows)logits, routing, (CpuVector?)correction, (CpuVector?)factors, chosen, RowCount(logits)));
        chosen.Group(RowCount(logits));
    }

    /// <inheritdoc/>
    public void Spread(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y)
        => Run(_spread, _spread.Prepare((CpuRows)x, (CpuRoutes)routes, weighted, (CpuRows)y, RowCount(y)));

    /// <inheritdoc/>
    public void LinearOfExperts(ExpertLinear linear, DeviceRows x, DeviceRoutes routes, DeviceRows y)
    {
        var inputs = (CpuRows)x;
        var outputs = (CpuRows)y;
        var chosen = (CpuRoutes)routes;
        bool adapted = _lora.Gather(linear, chosen);
        _quantized.Prepare((CpuExperts)linear.Weights);
        int quantizeParts = _quantize.Prepare(inputs, _quantized, RowCount(x));
        if (adapted)
        {
            Run(_pair, _pair.Prepare(_shrink, _shrink.Prepare(_lora.Work, inputs, PageMemory), _quantize, quantizeParts));
        }
        else
        {
            Run(_quantize, quantizeParts);
        }

        Run(_expertProduct, _expertProduct.Prepare(linear, inputs, _quantized, chosen, outputs));
        if (adapted)
        {
            Run(_expand, _expand.Prepare(_lora.Work, outputs, PageMemory));
        }
    }

    /// <inheritdoc/>
    public void Combine(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y)
    {
        int rows = RowCount(y);
        var chosen = (CpuRoutes)routes;
        if (_shard is not { } shard || !chosen.IsPart)
        {
            Run(_combine, _combine.Prepare((CpuRows)x, chosen, weighted, (CpuRows)y, rows));
            return;
        }

        CpuRows parts = shard.Parts(y.Rows, y.Width);
        Run(_combine, _combine.Prepare((CpuRows)x, chosen, weighted, parts, rows));
        shard.Reduce(parts, rows, null, null);
        shard.Gather(parts, rows, (CpuRows)y);
    }

    /// <inheritdoc/>
    public void RouteToAll(DeviceRoutes routes) => ((CpuRoutes)routes).All(Plan.RowCount);

    /// <inheritdoc/>
    public void TakeHeads(DeviceRows x, int firstColumn, int stride, DeviceRoutes routes, DeviceRows y)
        => Run(_heads, _heads.Prepare((CpuRows)x, firstColumn, stride, (CpuRoutes)routes, (CpuRows)y, RowCount(y), back: false));

    /// <inheritdoc/>
    public void PutHeads(DeviceRows x, DeviceRoutes routes, DeviceRows y)
        => Run(_heads, _heads.Prepare((CpuRows)y, 0, x.Width, (CpuRoutes)routes, (CpuRows)x, RowCount(x), back: true));

    /// <inheritdoc/>
    public void RotateAndStoreLatent(DeviceRows q, DeviceRows kv, int layer, LatentAttention attention, DeviceRope rope)
        => Run(_latentStore, _latentStore.Prepare(
            (CpuRows)q, (CpuRows)kv, (CpuRope)rope, attention, PageMemory, _layout!, layer, _store, RowCount(kv)));

    /// <inheritdoc/>
    public void AttendLatent(
        DeviceRows absorbed, DeviceRows q, int layer, LatentAttention attention, DeviceRoutes routes, DeviceRows y)
    {
        Run(_latentAttention, _latentAttention.Prepare(
            Plan, (CpuRows)absorbed, (CpuRows)q, (CpuRoutes)routes, (CpuRows)y, attention, PageMemory, _layout!, layer));
        ComputeJob merge = _latentAttention.PrepareMerge(out int parts);
        Run(merge, parts);
    }

    /// <inheritdoc/>
    public void AddGated(DeviceRows y, DeviceRows gate, DeviceRows x)
        => Run(_addGated, _addGated.Prepare((CpuRows)y, (CpuRows)gate, (CpuRows)x, RowCount(y)));

    /// <inheritdoc/>
    public void GatherOutputs(DeviceRows x, DeviceRows y)
    {
        ReadOnlySpan<int> outputs = Plan.OutputRows;
        for (int i = 0; i < outputs.Length; i++)
        {
            new ReadOnlySpan<float>(((CpuRows)x).Row(outputs[i]), x.Width).CopyTo(new Span<float>(((CpuRows)y).Row(i), x.Width));
        }
    }

    /// <inheritdoc/>
    public bool ChoosesTokens => false;

    /// <inheritdoc/>
    public void Choose(DeviceRows logits)
    {
    }

    /// <inheritdoc/>
    public int Chosen(int output) => -1;

    /// <inheritdoc/>
    public StepExchange Exchange => _shard?.Collective.Exchanged ?? default;

    /// <inheritdoc/>
    public Exception? FaultOf(Exception error) => null;

    /// <inheritdoc/>
    public void EndStep(DeviceRows logits)
    {
        // Every operation returns when it is done, so there is nothing to wait for.
    }

    /// <inheritdoc/>
    public Span<float> Logits(DeviceRows logits, int output)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(output);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(output, Plan.OutputCount);
        return new Span<float>(((CpuRows)logits).Row(output), logits.Width);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _threads.Dispose();
        _lora.Dispose();
        _attention.Dispose();
        _latentAttention.Dispose();
        _shrink.Dispose();
        _changedRows.Dispose();
        _quantized.Dispose();
        _baseWeights.Dispose();
        foreach (AlignedMemory memory in _memory)
        {
            memory.Dispose();
        }

        _memory.Clear();
    }

    private NormWeights? OwnWeights(DeviceRows x, DeviceVector weight) =>
        _lora.HasChanges ? _lora.GatherNorm(weight, x.Rows, RowCount(x), PageMemory) : null;

    /// <summary>Computes the outputs of own rows, and puts them in the place of the base's.</summary>
    private void TakeRows(CpuRows x, CpuRows y)
    {
        Run(_changedRows, _changedRows.Prepare(_lora.Changes.Products, x, PageMemory));
        Run(_change, _change.PrepareRows(_lora.Changes, y, PageMemory));
    }

    /// <summary>Adds what generations add to a group of products in one of the passes behind the first.</summary>
    private void AddPass(LinearGroup group, CpuRows x, CpuRows y, int pass)
    {
        if (_lora.Gather(group, x.Rows, pass))
        {
            Run(_shrink, _shrink.Prepare(_lora.Work, x, PageMemory));
            if (_shard is not null && group.Partition is not null)
            {
                _shard.GatherRanks(_lora.Work);
            }

            Run(_expand, _expand.Prepare(_lora.Work, y, PageMemory));
        }

        // Only the first place has rows of weights.
        if (_lora.GatherChanges(group, x.Rows, pass))
        {
            Run(_change, _change.PrepareSums(_lora.Changes, y, PageMemory));
        }
    }

    private CpuRows NewRows(RowSet rows, int width)
    {
        int limit = rows == RowSet.Step ? _rowLimit : _outputLimit;
        return new CpuRows(rows, width, limit, Allocate(CpuRows.BytesFor(width, limit)));
    }

    private int RowCount(DeviceRows rows) => rows.Rows switch
    {
        RowSet.Output => Plan.OutputCount,
        RowSet.Routed => ((CpuRows)rows).Routes!.Rows,
        _ => Plan.RowCount,
    };

    private void Run(ComputeJob job, int parts)
    {
        if (parts > 0)
        {
            _threads.Run(job, parts);
        }
    }

    private AlignedMemory Allocate(long bytes)
    {
        var memory = new AlignedMemory(bytes);
        _memory.Add(memory);
        return memory;
    }
}
