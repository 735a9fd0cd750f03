using System.Collections.Immutable;
using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// A GPU device through ILGPU: base weights, page pool and activations in one allocation each. A step is one upload of its plan, the
/// kernels one after another on one stream, and the download of the chosen tokens, or of logits where somebody needs them; nothing in
/// between waits for the device.
/// </summary>
internal sealed class GpuBackend : IBackend
{
    /// <summary>Splits of long contexts whose partial results fit, those of all decoding sequences of a step together.</summary>
    private const int PartialPlaces = 1024;

    private const long ShardWeightBytes = 32L << 20;

    private readonly GpuDevice _device;
    private readonly bool _ownsDevice = true;
    private readonly AcceleratorStream _stream;
    private readonly int _rowLimit;
    private readonly int _outputLimit;
    private int _vocabulary;
    private readonly GpuKernels _kernels;
    private readonly BaseProducts _products;
    private readonly GpuWeights _weights;
    private readonly List<GpuRows> _rows = [];
    private readonly Dictionary<int, GpuRows> _squares = [];
    private readonly List<GpuRope> _ropes = [];
    private readonly List<GpuRoutes> _routes = [];
    private readonly GpuShard? _shard;
    private readonly ILaunchRecorder? _recorder;
    private StepGraphs? _graphs;
    private SharedOperations? _shared;
    private EntrySplit? _entries;
    private ExpertLaunches? _experts;
    private HeadsNorm? _headsNorm;
    private LatentLaunches? _latent;
    private RecurrenceLaunches? _recurrences;
    private AdapterDirectories? _directories;
    private StepUpload? _upload;
    private GpuPageMemory? _pages;
    private KvLayout? _layout;
    private DeviceArena? _activations;
    private LoraLaunches? _lora;
    private ChangeLaunches? _changes;
    private AttentionLaunches? _attention;
    private ArrayView<float> _partial;
    private ArrayView<int> _chosen;
    private StepOutputs? _outputs;
    private StepPlan _plan = new(0, 0);

    /// <summary>
    /// A backend on a device that stays open behind it, with kernels that are loaded already; for the other parameters see below.
    /// </summary>
    public GpuBackend(GpuDevice device, GpuKernels kernels, int rowLimit, int outputLimit, ILaunchRecorder? recorder = null)
    {
        _ownsDevice = false;
        _recorder = recorder;
        _device = device;
        _stream = device.Stream;
        _kernels = kernels;
        _products = new BaseProducts(device, kernels, blas: null);
        _rowLimit = rowLimit;
        _outputLimit = outputLimit;
        _weights = new GpuWeights(device);
    }

    /// <summary>Opens a device.</summary>
    /// <param name="device">The device; the backend takes it over, as a shard only if it can be made.</param>
    /// <param name="rowLimit">The most rows of a step.</param>
    /// <param name="outputLimit">The most rows with logits.</param>
    /// <param name="products">Who computes the products with the base weights.</param>
    /// <param name="shard">Makes what this backend exchanges rows with others with, of which it is one shard; null for none.</param>
    /// <param name="kernels">Kernels that are loaded already; null for those of the device.</param>
    /// <param name="graphs">Whether decode steps become CUDA graphs, where the driver has them; those of a shard, and with cuBLAS, do not.
    /// </param>
    /// <exception cref="GpuException">A kernel is not accepted, or cuBLAS is asked for and cannot be had.</exception>
    public GpuBackend(
        GpuDevice device,
        int rowLimit,
        int outputLimit,
        GpuProducts products = GpuProducts.Exact,
        Func<GpuKernels, GpuShard>? shard = null,
        GpuKernels? kernels = null,
        bool graphs = false)
    {
        _device = device;
        _stream = device.Stream;
        _rowLimit = rowLimit;
        _outputLimit = outputLimit;

        // Nobody can announce the parts of a shard, so they share allocations of some size.
        _weights = new GpuWeights(device, shard is null ? 0 : ShardWeightBytes);
        try
        {
            var loader = new KernelLoader(device);
            _kernels = kernels ?? new GpuKernels(loader);
            _shard = shard?.Invoke(_kernels);
            _recorder = graphs && shard is null && products == GpuProducts.Exact ? CudaGraphs.Of(device) : null;
            _products = new BaseProducts(device, _kernels, products switch
            {
                GpuProducts.Exact => null,
                GpuProducts.CuBlas => new BlasProducts(device, loader),
                _ => throw new ArgumentOutOfRangeException(nameof(products), products, "Nobody computes products so."),
            });
        }
        catch
        {
            // What shards exchange rows with goes before their devices; who made it does that.
            if (shard is null)
            {
                device.Dispose();
            }

            throw;
        }
    }

    public string Name => "Gpu";

    public BackendStatus Status => new() { Name = Name, Exchange = _shard?.LinkName, Weights = _weights.Description };

    public string? Shortcoming => null;

    public IPageMemory Pages => PageMemory;

    private GpuPageMemory PageMemory => _pages ?? throw new InvalidOperationException("The pages are not allocated yet.");

    private KvLayout Layout => _layout ?? throw new InvalidOperationException("The pages are not allocated yet.");

    private StepUpload Step => _upload ?? throw new InvalidOperationException("The pages are not allocated yet.");

    private LoraLaunches Lora => _lora ?? throw new InvalidOperationException("The pages are not allocated yet.");

    private ChangeLaunches Changes => _changes ?? throw new InvalidOperationException("The pages are not allocated yet.");

    private AttentionLaunches Attention => _attention ?? throw new InvalidOperationException("The pages are not allocated yet.");

    private ExpertLaunches Experts => _experts ?? throw new InvalidOperationException("No routes have been created.");

    private HeadsNorm HeadsNorm => _headsNorm ?? throw new InvalidOperationException("No norm over all heads has been loaded.");

    private RecurrenceLaunches Recurrences => _recurrences ?? throw new InvalidOperationException("The decoder has no recurrent layers.");

    private LatentLaunches Latent => _latent ?? throw new InvalidOperationException("The decoder has no latent attention.");

    public void AllocatePages(KvLayout layout, int pageCount)
    {
        _device.Bind();
        if (pageCount * layout.PageBytes / 64 > int.MaxValue)
        {
            throw new GpuException(GpuError.Unsupported,
                $"A pool of {pageCount * layout.PageBytes} bytes is larger than the 128 GiB that tiles can be found in.");
        }

        _layout = layout;
        _pages = new GpuPageMemory(_device, pageCount, layout.PageBytes);
        _directories = new AdapterDirectories(_device, layout.PageBytes, _shard?.Collective.Shard);
        _upload = new StepUpload(_device, _directories, PartialPlaces);
        _attention = new AttentionLaunches(_device, _kernels, _pages, layout, _upload);
        _lora = new LoraLaunches(_device, _kernels, _pages, _directories, _upload);
        _changes = new ChangeLaunches(_device, _kernels, _pages, _directories, _upload);
        _shard?.Attach(_upload, _directories, _lora, Math.Max(_rowLimit, _outputLimit));
        _shared = _shard is null ? null : new SharedOperations(_shard, _device, _products, _lora, _changes);
    }

    public WeightFormat Takes(WeightFormat stored) => GpuFormats.Takes(stored);

    public long BytesOf(WeightFormat taken, long rows, int columns) => GpuFormats.BytesOf(taken, rows, columns);

    public void ReserveWeights(IEnumerable<long> sizes) => _weights.Reserve(sizes.Sum(DeviceArena.Rounded));

    public DeviceMatrix LoadMatrix(WeightSource source)
    {
        _device.Bind();
        TensorWeightKernels? tensor = _products.Expect(source, _shard?.Collective.Shards ?? 1);
        _weights.Count(source);
        if (source.Partition is { Axis: PartitionAxis.Columns })
        {
            _shard?.Expect(source.Rows);
        }

        return new GpuMatrix(source, _kernels.For(source.Format), _weights.Load(source), tensor);
    }

    public DeviceTable LoadTable(WeightSource source)
    {
        _device.Bind();
        WeightKernels kernels = _kernels.For(source.Format);
        kernels.PrepareLookUp();
        ShareEntries(source);
        return new GpuTable(source, kernels, _weights.Load(source));
    }

    public DeviceVector LoadVector(WeightSource source)
    {
        _device.Bind();
        if (source.Partition is not { } partition || source.Target == WeightSource.NoTarget)
        {
            return new GpuVector(_weights.LoadWidened(source), source.Target);
        }

        Split heads = partition.Split;
        _ = _kernels.HeadsNorm;
        _shard?.Expect(heads.Units);
        if (!_squares.ContainsKey(heads.Units))
        {
            _squares.Add(heads.Units, (GpuRows)CreateRows(RowSet.Step, heads.Units));
        }

        return new GpuVector(_weights.LoadWidened(source), source.Target, heads);
    }

    public DeviceRows CreateRows(RowSet rows, int width)
    {
        var created = new GpuRows(rows, width, rows == RowSet.Step ? _rowLimit : _outputLimit);
        _rows.Add(created);
        return created;
    }

    public DeviceExperts LoadExperts(ExpertSources sources)
    {
        _device.Bind();
        _shard?.Expect(sources.Outputs);
        ArrayView<byte> bytes = _weights.Load(sources, out WeightFormat format);
        WeightKernels kernels = _kernels.For(format);
        kernels.PrepareExperts();
        return new GpuExperts(sources, kernels, bytes);
    }

    public DeviceRoutes CreateRoutes(int experts, int chosen, Run own) => Create(new GpuRoutes(experts, chosen, _rowLimit, own));

    public DeviceRoutes CreateRoutes(int experts, int chosen) => Create(new GpuRoutes(experts, chosen, _rowLimit));

    public DeviceRows CreateRoutedRows(DeviceRoutes routes, int width)
    {
        var created = new GpuRows(RowSet.Routed, width, _rowLimit * routes.Chosen, routes.Chosen);
        _rows.Add(created);
        return created;
    }

    public DeviceRope CreateRope(RopeDescription rope)
    {
        var created = new GpuRope(rope);
        _ropes.Add(created);
        return created;
    }

    public void CompleteLoading(DecoderShape decoder)
    {
        _device.Bind();
        _weights.Complete();
        _products.Complete(Math.Max(_rowLimit, _outputLimit));
        // Where all rows see only the last positions, pages do not bound how long a sequence becomes.
        int positions = Layout.Groups[0].IsBounded
            ? decoder.ContextLength
            : (int)Math.Min(decoder.ContextLength, (long)PageMemory.PageCount * Layout.PageTokens);
        long partial = PartialPlaces
            * decoder.Attentions.Select(attention => (long)attention.Heads * (attention.HeadDim + 2)).DefaultIfEmpty(1).Max();
        long bytes = DeviceArena.Rounded(partial * sizeof(float)) + DeviceArena.Rounded(_outputLimit * sizeof(int))
            + _ropes.Sum(rope => DeviceArena.Rounded(rope.Length(positions, _rowLimit) * sizeof(float)))
            + _rows.Sum(rows => DeviceArena.Rounded(rows.Length * sizeof(float))) + _routes.Sum(routes => routes.Bytes);
        _activations = new DeviceArena(_device, bytes, "activations");
        _partial = _activations.Take<float>(partial);
        _chosen = _activations.Take<int>(_outputLimit);
        foreach (GpuRows rows in _rows)
        {
            rows.Values = _activations.Take<float>(rows.Length);
        }

        foreach (GpuRoutes routes in _routes)
        {
            routes.Take(_activations);
        }

        foreach (GpuRope rope in _ropes)
        {
            rope.Send(_device, _activations.Take<float>(rope.Length(positions, _rowLimit)));
        }

        if (_entries is not null)
        {
            Step.Share(_entries);
        }

        if (_squares.Count > 0)
        {
            _headsNorm = new HeadsNorm(_device, _kernels.HeadsNorm, PageMemory, _directories!, Step, _shard);
        }

        if (decoder.HasLatentAttention)
        {
            _latent = new LatentLaunches(_device, _kernels, PageMemory, Layout, Step);
        }

        if (decoder.HasRecurrences)
        {
            _recurrences = new RecurrenceLaunches(_device, _kernels.Recurrences, PageMemory, Layout, Step);
        }

        _vocabulary = decoder.VocabularySize;

        // Of one shard the widest output rows are not wider than its logits, or than the model.
        int logits = decoder.VocabularySize + decoder.AddedTokens;
        if (_shard is not null)
        {
            logits = Math.Min(logits, _rows.Where(rows => rows.Rows == RowSet.Output).Max(rows => rows.Width));
        }

        _outputs = new StepOutputs(_device, _outputLimit, logits);
        _graphs = _recorder is null ? null : new StepGraphs(_recorder, new BucketRows(Math.Min(_rowLimit, _outputLimit), TakesNobody));
        Lora.Reserve(_rowLimit, _routes.Select(routes => routes.Chosen).Append(1).Max());
    }

    public void BeginStep(StepPlan plan)
    {
        _device.Bind();
        _plan = plan;
        StepExtents exact = Step.Measure(plan);
        StepExtents extents = _graphs?.Begin(plan, exact) ?? exact;
        Step.Send(plan, extents, isPadded: _graphs?.IsAlike ?? false);
        foreach (GpuRope rope in _ropes)
        {
            rope.SetPositions(plan);
        }

        _directories!.Upload();
        Lora.Begin();
        _shard?.BeginStep();
    }

    public void Run(Action operations)
    {
        if (_graphs is null)
        {
            operations();
            return;
        }

        ArrayView<byte> directories = _directories!.View.Cast<byte>();
        ArrayView<byte> shrunk = Lora.Shrunk.Cast<byte>();
        _graphs.Run(
            new StepMemory(
                Step.Memory.LoadEffectiveAddressAsPtr(), Step.Memory.Length, directories.LoadEffectiveAddressAsPtr(), directories.Length,
                shrunk.LoadEffectiveAddressAsPtr(), shrunk.Length),
            operations);
    }

    public void Embed(DeviceTable table, int target, DeviceRows x)
    {
        var source = (GpuTable)table;
        if (_shared is not null)
        {
            _shared.Embed(_plan, _entries!, source, target, (GpuRows)x);
            return;
        }

        source.Kernels.LookUp(
            _stream, Launch.Elements(Step.RowCount, source.Width), source.Bytes, Step.Tokens, Values(x), source.Width);
        if (!_plan.Lora.Chunks.IsEmpty)
        {
            Changes.LookUp(_plan, target, (GpuRows)x);
            Lora.ShrinkEmbedding(target, 0);
            for (int pass = 0; pass < _plan.Lora.Passes; pass++)
            {
                Lora.AddToEmbedding(_plan, pass, target, (GpuRows)x);
                Changes.SumEmbedding(_plan, pass, target, (GpuRows)x);
            }
        }
    }

    public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y)
    {
        if (_plan.Lora.Changes(weight.Target))
        {
            Changes.Norm((GpuRows)x, 0, 1, (GpuVector)weight, epsilon, Count(x), (GpuRows)y);
            return;
        }

        _kernels.Norm(
            _stream, Launch.Groups(Count(x)), Values(x), ((GpuVector)weight).Values, Values(y),
            new NormShape(x.Width, 0, x.Width, epsilon));
    }

    public void LayerNorm(DeviceRows x, DeviceVector weight, DeviceVector? bias, float epsilon, DeviceRows y)
    {
        if (_plan.Lora.Changes(weight.Target))
        {
            Changes.LayerNorm((GpuRows)x, (GpuVector)weight, (GpuVector?)bias, epsilon, Count(x), (GpuRows)y);
            return;
        }

        ArrayView<float> scale = ((GpuVector)weight).Values;
        _kernels.LayerNorm(
            _stream, Launch.Groups(Count(x)), Values(x), scale, bias is null ? scale : ((GpuVector)bias).Values, Values(y),
            new LayerNormShape(x.Width, epsilon, bias is null ? 0 : 1));
    }

    public void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z)
    {
        if (_plan.Lora.Changes(weight.Target))
        {
            Changes.AddNorm((GpuRows)x, (GpuRows)y, (GpuVector)weight, epsilon, Count(x), (GpuRows)z);
            return;
        }

        _kernels.AddNorm(
            _stream, Launch.Groups(Count(x)), Values(x), Values(y), ((GpuVector)weight).Values, Values(z),
            new NormShape(x.Width, 0, x.Width, epsilon));
    }

    public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon)
    {
        if (((GpuVector)weight).Heads is { } together)
        {
            HeadsNorm.Run(_plan, (GpuRows)x, firstColumn, (GpuVector)weight, together, epsilon, Count(x), _squares[together.Units]);
            return;
        }

        if (_plan.Lora.Changes(weight.Target))
        {
            Changes.Norm((GpuRows)x, firstColumn, heads, (GpuVector)weight, epsilon, Count(x), (GpuRows)x);
            return;
        }

        _kernels.Norm(
            _stream, Launch.Groups(Count(x), heads), Values(x), ((GpuVector)weight).Values, Values(x),
            new NormShape(x.Width, firstColumn, weight.Length, epsilon));
    }

    public void Linear(LinearGroup group, DeviceRows x, DeviceRows y)
    {
        if (_shared is not null && group.Partition is { } partition)
        {
            if (partition.Axis == PartitionAxis.Columns)
            {
                _shared.Sum(_plan, group, (GpuRows)x, Count(x), (GpuRows)y);
            }
            else
            {
                _shared.Multiply(_plan, group, (GpuRows)x, Count(x), (GpuRows)y);
            }

            return;
        }

        _products.Multiply(_stream, group, Values(x), Count(x), Values(y), y.Width);
        if (!_plan.Lora.Chunks.IsEmpty)
        {
            LoraShape shape = LoraLaunches.ShapeOf(group, (GpuRows)x, (GpuRows)y);
            if (_plan.Lora.HasChanges)
            {
                Changes.Product(_plan, group, (GpuRows)x, (GpuRows)y, shape);
            }

            Lora.Shrink(group, (GpuRows)x, shape);
            for (int pass = 0; pass < _plan.Lora.Passes; pass++)
            {
                Lora.AddToProducts(_plan, pass, group, (GpuRows)y, shape);
                if (_plan.Lora.HasChanges)
                {
                    Changes.SumProducts(_plan, pass, group, (GpuRows)y, shape);
                }
            }
        }
    }

    public void Rotate(DeviceRows x, int firstColumn, int heads, int headDim, DeviceRope rope) => _kernels.Rotate(
        _stream, Launch.Groups(Count(x)), Values(x), Step.Positions, ((GpuRope)rope).Angles,
        new RotatedHeads(x.Width, firstColumn, heads, headDim), ((GpuRope)rope).Shape);

    public void ScaleByPosition(PositionScale scale, DeviceRows x, int columns) => _kernels.ScaleByPosition(
        _stream, Launch.Elements(Count(x), columns), Values(x), Step.Positions,
        new PositionShape(x.Width, columns, scale.Beta, scale.Length, scale.Offset));

    public void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope) =>
        Attention.RotateAndStore((GpuRows)qkv, Step.RowCount, layer, attention, (GpuRope)rope);

    public void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y, DeviceVector? sinks = null) =>
        Attention.Attend((GpuRows)qkv, layer, attention, _partial, (GpuRows)y, (GpuVector?)sinks);

    public void GateClamped(ClampedGate gate, DeviceRows x, DeviceRows y) =>
        Experts.Gate(gate, (GpuRows)x, (GpuRows)y, Count(x));

    public void Gate(Activation activation, DeviceRows x, DeviceRows y)
    {
        switch (activation)
        {
            case Activation.Silu:
                _kernels.Gate(_stream, Launch.Elements(Count(x), y.Width), Values(x), Values(y), y.Width);
                break;
            case Activation.Gelu or Activation.GeluTanh:
                _kernels.GateGelu(
                    _stream, Launch.Elements(Count(x), y.Width), Values(x), Values(y), y.Width, activation == Activation.Gelu ? 1 : 0);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(activation), activation, "The Gpu backend has no such activation.");
        }
    }

    public void Apply(ElementFunction function, DeviceRows x, int firstColumn, int columns) => _kernels.Apply(
        _stream, Launch.Elements(Count(x), columns), Values(x),
        new FunctionShape(x.Width, firstColumn, columns, (int)function.Kind, function.A, function.B, function.C, function.D));

    public void Multiply(DeviceRows y, int yColumn, DeviceRows x, int xColumn, int columns) => _kernels.Multiply(
        _stream, Launch.Elements(Count(x), columns), Values(y), Values(x), new ProductColumns(y.Width, yColumn, x.Width, xColumn, columns));

    public void Convolve(DeviceRows x, int firstColumn, ShortConvolution convolution, int state, DeviceRows y)
    {
        ArrayView<float> weight = ((GpuVector)convolution.Weight).Values;
        StateBlock block = Layout.States[state];
        _kernels.Convolve(
            _stream, Launch.Elements(_plan.Slices.Length, convolution.Channels), Values(x), weight,
            convolution.Bias is null ? weight : ((GpuVector)convolution.Bias).Values, PageMemory.Floats, Step.Slices, Step.Pages, Values(y),
            new ConvolutionShape(
                x.Width, firstColumn, y.Width, convolution.Channels, convolution.Kernel, convolution.Bias is null ? 0 : 1),
            new StatePlace(
                block.FirstSlot, block.PageSlots, block.PartBytes / sizeof(float), Layout.PageBytes / sizeof(float)));
    }

    public void Regroup(DeviceRows x, ImmutableArray<ColumnRun> runs, DeviceRows y) =>
        Recurrences.Regroup((GpuRows)x, runs, (GpuRows)y, Count(x));

    public void Recur(DeviceRows x, DeviceRows steps, LoadedRecurrence recurrence, int state, DeviceRows y) =>
        Recurrences.Recur(_plan.Slices.Length, (GpuRows)x, (GpuRows)steps, recurrence, state, (GpuRows)y);

    public void NormGated(
        DeviceRows x, int heads, DeviceVector weight, float epsilon, DeviceRows gates, int gateColumn, bool gatesFirst) =>
        Recurrences.NormGated(
            (GpuRows)x, heads, (GpuVector)weight, epsilon, (GpuRows)gates, gateColumn, gatesFirst, Count(x));

    public void Add(DeviceRows x, DeviceRows y) => _kernels.Add(_stream, Launch.Elements(Count(x), x.Width), Values(x), Values(y), x.Width);

    public void Route(DeviceRows logits, Routing routing, DeviceVector? correction, DeviceVector? factors, DeviceRoutes routes) =>
        Experts.Route((GpuRows)logits, Count(logits), routing, (GpuVector?)correction, (GpuVector?)factors, (GpuRoutes)routes);

    public void Spread(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y) =>
        Experts.Spread((GpuRows)x, (GpuRoutes)routes, weighted, (GpuRows)y, Count(y));

    public void LinearOfExperts(ExpertLinear linear, DeviceRows x, DeviceRoutes routes, DeviceRows y)
    {
        Experts.Multiply(linear, (GpuRows)x, (GpuRoutes)routes, (GpuRows)y, Count(x));
        if (!_plan.Lora.Chunks.IsEmpty)
        {
            Experts.AddDeltas(
                _plan, linear.Targets, (GpuRows)x, (GpuRoutes)routes, (GpuRows)y, Step, PageMemory, _directories!.View, Lora.Shrunk);
        }
    }

    public void Combine(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y)
    {
        var chosen = (GpuRoutes)routes;
        Experts.Combine((GpuRows)x, chosen, weighted, (GpuRows)y, Count(y));
        if (chosen.IsPart)
        {
            _shard!.Sum(_plan, (GpuRows)y, Count(y));
        }
    }

    public void RouteToAll(DeviceRoutes routes)
    {
        int choices = Step.RowCount * routes.Chosen;
        Latent.ChooseAll((GpuRoutes)routes, choices);
        Experts.Sort((GpuRoutes)routes, choices);
    }

    public void TakeHeads(DeviceRows x, int firstColumn, int stride, DeviceRoutes routes, DeviceRows y) =>
        Latent.TakeHeads((GpuRows)x, firstColumn, stride, (GpuRoutes)routes, (GpuRows)y, Count(y));

    public void PutHeads(DeviceRows x, DeviceRoutes routes, DeviceRows y) =>
        Latent.PutHeads((GpuRows)x, (GpuRoutes)routes, (GpuRows)y, Count(x));

    public void RotateAndStoreLatent(DeviceRows q, DeviceRows kv, int layer, LatentAttention attention, DeviceRope rope) =>
        Latent.RotateAndStore((GpuRows)q, (GpuRows)kv, Step.RowCount, layer, attention, (GpuRope)rope);

    public void AttendLatent(
        DeviceRows absorbed, DeviceRows q, int layer, LatentAttention attention, DeviceRoutes routes, DeviceRows y) =>
        Latent.Attend((GpuRows)absorbed, (GpuRows)q, Step.RowCount, layer, attention, (GpuRoutes)routes, (GpuRows)y);

    public void AddGated(DeviceRows y, DeviceRows gate, DeviceRows x) =>
        Experts.AddGated((GpuRows)y, (GpuRows)gate, (GpuRows)x, Count(y));

    public void GatherOutputs(DeviceRows x, DeviceRows y) =>
        _kernels.Gather(_stream, Launch.Elements(Step.OutputCount, x.Width), Values(x), Step.OutputRows, Values(y), x.Width);

    public bool ChoosesTokens => true;

    public StepExchange Exchange => _shard?.Collective.Exchanged ?? default;

    public void Choose(DeviceRows logits)
    {
        if (Step.ChoiceCount == 0)
        {
            return;
        }

        KernelConfig config = Launch.Groups(Step.ChoiceCount);
        if (Step.HasPenalties)
        {
            _kernels.Penalise(
                _stream, config, Values(logits), Step.Choices, Step.Seen, Step.SeenCounts, Step.BiasTokens, Step.BiasValues, logits.Width);
        }

        _kernels.Choose(_stream, config, Values(logits), Step.Choices, _chosen, _vocabulary, logits.Width);
    }

    public void EndStep(DeviceRows logits)
    {
        _outputs!.Download(_plan, Values(logits), logits.Width, _chosen);
        _device.Synchronize();
        PageMemory.Drained();
        _shard?.Collective.EndStep();
    }

    public int Chosen(int output) => _outputs!.Chosen(output);

    public Span<float> Logits(DeviceRows logits, int output) => _outputs!.Logits(Values(logits), logits.Width, output);

    public Exception? FaultOf(Exception error) =>
        error is AcceleratorException ? _device.Fault("a step", error) : null;

    public void Dispose()
    {
        _device.Drain(_stream);
        _shard?.Dispose();
        _graphs?.Dispose();
        _products.Dispose();
        _outputs?.Dispose();
        _lora?.Dispose();
        _ropes.ForEach(rope => rope.Dispose());
        _activations?.Dispose();
        _upload?.Dispose();
        _directories?.Dispose();
        _pages?.Dispose();
        _weights.Dispose();
        if (_ownsDevice)
        {
            _device.Dispose();
        }
    }

    private GpuRoutes Create(GpuRoutes routes)
    {
        _device.Bind();
        _experts ??= new ExpertLaunches(_device, _kernels.Experts);
        _routes.Add(routes);
        return routes;
    }

    /// <summary>Refuses what devices do not share, by name.</summary>
    private void RefuseToShare(string what)
    {
        if (_shard is not null)
        {
            throw new InvalidOptionException(
                "Gpu.Devices", $"Gpu.Devices names {_shard.Collective.Shards}; {what} can be served by one device only.");
        }
    }

    private void ShareEntries(WeightSource source)
    {
        if (_shard is null || source.Partition is not { } partition)
        {
            return;
        }

        _shard.Expect(source.Columns);
        _entries ??= new EntrySplit(partition.Split, _shard.Collective.Shard, _shard.Collective.Shards);
        if (_entries.Split != partition.Split)
        {
            RefuseToShare($"{source.Name}, a second table that is cut otherwise than the first");
        }
    }

    /// <summary>Whether a step may have rows of nobody.</summary>
    private bool TakesNobody => _routes.Count == 0 && _recurrences is null && _squares.Count == 0 && Layout.States.IsEmpty;

    private static ArrayView<float> Values(DeviceRows rows) => ((GpuRows)rows).Values;

    private int Count(DeviceRows rows) => rows.Rows == RowSet.Output ? Step.OutputCount : Step.RowCount * rows.Copies;
}
