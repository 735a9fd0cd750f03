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
internal sealed unsafe class GpuBackend : IBackend
{
    /// <summary>Splits of long contexts whose partial results fit, those of all decoding sequences of a step together.</summary>
    private const int PartialPlaces = 1024;

    // Room for the shrunken rows of adapters up to this rank is taken at once; larger ranks take theirs when they first appear.
    private const int UsualRank = 64;

    private readonly GpuDevice _device;
    private readonly bool _ownsDevice = true;
    private readonly AcceleratorStream _stream;
    private readonly int _rowLimit;
    private readonly int _outputLimit;
    private readonly GpuKernels _kernels;
    private readonly BlasProducts? _blas;
    private readonly GpuWeights _weights;
    private readonly List<GpuRows> _rows = [];
    private readonly List<GpuRope> _ropes = [];
    private AdapterDirectories? _directories;
    private StepUpload? _upload;
    private GpuPageMemory? _pages;
    private KvLayout? _layout;
    private DeviceArena? _activations;
    private DeviceArena? _shrunk;
    private ArrayView<float> _partial;
    private ArrayView<int> _chosen;
    private StepOutputs? _outputs;
    private StepPlan _plan = new(0, 0);

    /// <summary>
    /// A backend on a device that stays open behind it, with kernels that are loaded already; for the other parameters see below.
    /// </summary>
    public GpuBackend(GpuDevice device, GpuKernels kernels, int rowLimit, int outputLimit)
    {
        _ownsDevice = false;
        _device = device;
        _stream = device.Stream;
        _kernels = kernels;
        _rowLimit = rowLimit;
        _outputLimit = outputLimit;
        _weights = new GpuWeights(device);
    }

    /// <summary>Opens a device.</summary>
    /// <param name="device">The device; the backend takes it over.</param>
    /// <param name="rowLimit">The most rows of a step.</param>
    /// <param name="outputLimit">The most rows with logits.</param>
    /// <param name="products">Who computes the products with the base weights.</param>
    /// <exception cref="GpuException">A kernel is not accepted, or cuBLAS is asked for and cannot be had.</exception>
    public GpuBackend(GpuDevice device, int rowLimit, int outputLimit, GpuProducts products = GpuProducts.Exact)
    {
        _device = device;
        _stream = device.Stream;
        _rowLimit = rowLimit;
        _outputLimit = outputLimit;
        _weights = new GpuWeights(device);
        try
        {
            var loader = new KernelLoader(device);
            _kernels = new GpuKernels(loader);
            _blas = products == GpuProducts.CuBlas ? new BlasProducts(device, loader) : null;
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    public string Name => "Gpu";

    public BackendStatus Status => new() { Name = Name };

    public string? Shortcoming => null;

    public IPageMemory Pages => PageMemory;

    private GpuPageMemory PageMemory => _pages ?? throw new InvalidOperationException("The pages are not allocated yet.");

    private KvLayout Layout => _layout ?? throw new InvalidOperationException("The pages are not allocated yet.");

    private StepUpload Step => _upload ?? throw new InvalidOperationException("The pages are not allocated yet.");

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
        _directories = new AdapterDirectories(_device, layout.PageBytes);
        _upload = new StepUpload(_device, _directories, PartialPlaces);
        _kernels.RotateAndStore.Prepare(layout.Type);
        _kernels.Attend.Prepare(layout.Type);
    }

    public void ReserveWeights(IEnumerable<long> sizes) => _weights.Reserve(sizes.Sum(DeviceArena.Rounded));

    public DeviceMatrix LoadMatrix(WeightSource source)
    {
        _device.Bind();
        if (_blas is not null)
        {
            _blas.Expect(source);
        }
        else
        {
            _kernels.FewRows.Prepare(source.Type);
            _kernels.ManyRows.Prepare(source.Type);
        }

        return new GpuMatrix(source.Rows, source.Columns, source.Type, _weights.Load(source));
    }

    public DeviceTable LoadTable(WeightSource source)
    {
        _device.Bind();
        _kernels.Embed.Prepare(source.Type);
        return new GpuTable(source.Rows, source.Columns, source.Type, _weights.Load(source));
    }

    public DeviceVector LoadVector(WeightSource source)
    {
        _device.Bind();
        return new GpuVector(_weights.LoadWidened(source));
    }

    public DeviceRows CreateRows(RowSet rows, int width)
    {
        var created = new GpuRows(rows, width, rows == RowSet.Step ? _rowLimit : _outputLimit);
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
        _blas?.Complete(Math.Max(_rowLimit, _outputLimit));
        int positions = (int)Math.Min(decoder.ContextLength, (long)PageMemory.PageCount * Layout.PageTokens);
        long partial = PartialPlaces * decoder.Attentions.Max(attention => (long)attention.Heads * (attention.HeadDim + 2));
        long bytes = DeviceArena.Rounded(partial * sizeof(float)) + DeviceArena.Rounded(_outputLimit * sizeof(int))
            + _ropes.Sum(rope => DeviceArena.Rounded((long)positions * rope.HeadDim * sizeof(float)))
            + _rows.Sum(rows => DeviceArena.Rounded(rows.Length * sizeof(float)));
        _activations = new DeviceArena(_device, bytes, "activations");
        _partial = _activations.Take<float>(partial);
        _chosen = _activations.Take<int>(_outputLimit);
        foreach (GpuRows rows in _rows)
        {
            rows.Values = _activations.Take<float>(rows.Length);
        }

        foreach (GpuRope rope in _ropes)
        {
            SetAngles(rope, positions);
        }

        _outputs = new StepOutputs(_device, _outputLimit, decoder.VocabularySize);
        ReserveShrunk((long)LoraKernels.MaxParts * _rowLimit * UsualRank);
    }

    public void BeginStep(StepPlan plan)
    {
        _device.Bind();
        _plan = plan;
        Step.Send(plan);
        _directories!.Upload();
        ReserveShrunk(Step.ShrunkLength);
    }

    public void Embed(DeviceTable table, int target, DeviceRows x)
    {
        var source = (GpuTable)table;
        KernelConfig config = Launch.Elements(_plan.RowCount, source.Width);
        if (source.Type == TensorType.F32)
        {
            _kernels.Embed.Wide(_stream, config, source.Bytes.Cast<float>(), Step.Tokens, Values(x), source.Width);
        }
        else
        {
            _kernels.Embed.Narrow(source.Type)(_stream, config, source.Bytes.Cast<ushort>(), Step.Tokens, Values(x), source.Width);
        }

        if (!_plan.Lora.Chunks.IsEmpty)
        {
            _kernels.ShrinkEmbedding(
                _stream, Launch.Groups(_plan.Lora.Chunks.Length), PageMemory.Floats, PageMemory.Halves, _directories!.View, Step.Chunks,
                Step.EntryRows,
                Step.Tokens, Shrunk, target);
            Expand(x, source.Width, 1, new LoraShape(0, x.Width, 0, target, 0, 0, 0, 0, 0));
        }
    }

    public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y) => _kernels.Norm(
        _stream, Launch.Groups(Count(x)), Values(x), ((GpuVector)weight).Values, Values(y), new NormShape(x.Width, 0, x.Width, epsilon));

    public void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z) => _kernels.AddNorm(
        _stream, Launch.Groups(Count(x)), Values(x), Values(y), ((GpuVector)weight).Values, Values(z),
        new NormShape(x.Width, 0, x.Width, epsilon));

    public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon) => _kernels.Norm(
        _stream, Launch.Groups(Count(x), heads), Values(x), ((GpuVector)weight).Values, Values(x),
        new NormShape(x.Width, firstColumn, weight.Length, epsilon));

    public void Linear(LinearGroup group, DeviceRows x, DeviceRows y)
    {
        _blas?.NextInput();
        for (int part = 0; part < group.Parts.Length; part++)
        {
            Product(group.Parts[part], group.Offsets[part], x, y);
        }

        if (!_plan.Lora.Chunks.IsEmpty)
        {
            Lora(group, x, y);
        }
    }

    public void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope)
    {
        CacheShape shape = Shape(layer, attention);
        KernelConfig config = Launch.Groups(_plan.RowCount);
        ArrayView<float> angles = ((GpuRope)rope).Angles;
        if (Layout.Type == TensorType.F32)
        {
            _kernels.RotateAndStore.Wide(
                _stream, config, Values(qkv), PageMemory.Floats, Step.Positions, Step.TableStart, Step.Pages, angles, shape);
        }
        else
        {
            _kernels.RotateAndStore.Narrow(Layout.Type)(
                _stream, config, Values(qkv), PageMemory.Halves, Step.Positions, Step.TableStart, Step.Pages, angles, shape);
        }
    }

    public void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y)
    {
        var shape = new AttentionShape(Shape(layer, attention), attention.Window ?? 0, attention.ScoreScale);
        KernelConfig config = Launch.Groups(Step.TaskCount, attention.Heads);
        if (Layout.Type == TensorType.F32)
        {
            _kernels.Attend.Wide(
                _stream, config, Values(qkv), PageMemory.Floats, Step.Tasks, Step.Positions, Step.TableStart, Step.Pages, _partial,
                Values(y), shape);
        }
        else
        {
            _kernels.Attend.Narrow(Layout.Type)(
                _stream, config, Values(qkv), PageMemory.Halves, Step.Tasks, Step.Positions, Step.TableStart, Step.Pages, _partial,
                Values(y), shape);
        }

        if (Step.MergeCount > 0)
        {
            _kernels.Merge(
                _stream, Launch.Groups(Step.MergeCount, attention.Heads), _partial, Step.Merges, Values(y), attention.Heads,
                attention.HeadDim);
        }
    }

    public void Gate(Activation activation, DeviceRows x, DeviceRows y)
    {
        switch (activation)
        {
            case Activation.Silu:
                _kernels.Gate(_stream, Launch.Elements(Count(x), y.Width), Values(x), Values(y), y.Width);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(activation), activation, "The Gpu backend has no such activation.");
        }
    }

    public void Add(DeviceRows x, DeviceRows y) => _kernels.Add(_stream, Launch.Elements(Count(x), x.Width), Values(x), Values(y), x.Width);

    public void GatherOutputs(DeviceRows x, DeviceRows y) =>
        _kernels.Gather(_stream, Launch.Elements(_plan.OutputCount, x.Width), Values(x), Step.OutputRows, Values(y), x.Width);

    public bool ChoosesTokens => true;

    public void Choose(DeviceRows logits)
    {
        ReadOnlySpan<TokenChoice> choices = _plan.Choices.Items;
        if (choices.IsEmpty)
        {
            return;
        }

        KernelConfig config = Launch.Groups(choices.Length);
        if (!_plan.Choices.Seen.IsEmpty || !_plan.Choices.BiasTokens.IsEmpty)
        {
            _kernels.Penalise(
                _stream, config, Values(logits), Step.Choices, Step.Seen, Step.SeenCounts, Step.BiasTokens, Step.BiasValues, logits.Width);
        }

        _kernels.Choose(_stream, config, Values(logits), Step.Choices, _chosen, logits.Width);
    }

    public void EndStep(DeviceRows logits)
    {
        _outputs!.Download(_plan, Values(logits), _chosen);
        _device.Synchronize();
        PageMemory.Drained();
    }

    public int Chosen(int output) => _outputs!.Chosen(output);

    public Span<float> Logits(DeviceRows logits, int output) => _outputs!.Logits(Values(logits), output);

    public Exception? FaultOf(Exception error) =>
        error is AcceleratorException ? _device.Fault("a step", error) : null;

    public void Dispose()
    {
        _device.Drain(_stream);
        _blas?.Dispose();
        _outputs?.Dispose();
        _shrunk?.Dispose();
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

    private static ArrayView<float> Values(DeviceRows rows) => ((GpuRows)rows).Values;

    private ArrayView<float> Shrunk => _shrunk!.All.Cast<float>();

    private int Count(DeviceRows rows) => rows.Rows == RowSet.Step ? _plan.RowCount : _plan.OutputCount;

    private CacheShape Shape(int layer, GroupedAttention attention)
    {
        int size = Layout.Type.ElementSize();
        LayerBlock block = Layout.Layers[layer];
        return new CacheShape(
            attention.Heads, attention.KeyValueHeads, attention.HeadDim, int.Log2(Layout.PageTokens), Layout.PageBytes / size,
            block.KeyOffset / size, block.ValueOffset / size);
    }

    private void Product(LinearPart part, int firstColumn, DeviceRows x, DeviceRows y)
    {
        var weight = (GpuMatrix)part.Weight;
        int rows = Count(x);
        if (_blas is not null)
        {
            _blas.Multiply(weight, (GpuVector?)part.Bias, Values(x), rows, Values(y), y.Width, firstColumn);
            return;
        }

        // A view that nobody reads stands in for a bias that is not there.
        ArrayView<float> bias = part.Bias is GpuVector vector ? vector.Values : Values(x);
        var shape = new ProductShape(rows, weight.Inputs, weight.Outputs, y.Width, firstColumn, part.Bias is null ? 0 : 1);
        bool few = rows <= ProductKernels.FewRows;
        KernelConfig config = few
            ? Launch.Groups(Divide(weight.Outputs, ProductKernels.FewOutputs), Divide(rows, 4))
            : Launch.Groups(Divide(weight.Outputs, ProductKernels.TileOutputs), Divide(rows, ProductKernels.TileRows));
        var kernel = few ? _kernels.FewRows : _kernels.ManyRows;
        if (weight.Type == TensorType.F32)
        {
            kernel.Wide(_stream, config, Values(x), weight.Bytes.Cast<float>(), bias, Values(y), shape);
        }
        else
        {
            kernel.Narrow(weight.Type)(_stream, config, Values(x), weight.Bytes.Cast<ushort>(), bias, Values(y), shape);
        }
    }

    private void Lora(LinearGroup group, DeviceRows x, DeviceRows y)
    {
        int parts = group.Parts.Length;
        if (parts > LoraKernels.MaxParts)
        {
            throw new NotSupportedException($"{parts} products share an input; the kernels take {LoraKernels.MaxParts}.");
        }

        int widest = 0;
        foreach (LinearPart part in group.Parts)
        {
            widest = Math.Max(widest, part.Weight.Outputs);
        }

        var shape = new LoraShape(
            group.Inputs, y.Width, x.Rows == RowSet.Output ? 1 : 0,
            group.Parts[0].Target, parts > 1 ? group.Parts[1].Target : 0, parts > 2 ? group.Parts[2].Target : 0,
            group.Offsets[0], parts > 1 ? group.Offsets[1] : 0, parts > 2 ? group.Offsets[2] : 0);
        _kernels.Shrink(
            _stream, Launch.Groups(Step.ShrinkBlockCount, parts), Values(x), PageMemory.Floats, PageMemory.Halves, _directories!.View,
            Step.ShrinkBlocks, Step.Chunks, Step.EntryRows, Step.OutputOfRow, Shrunk, shape);
        Expand(y, widest, parts, shape);
    }

    /// <summary>
    /// One launch per place of adapters in their requests: within a place no row appears twice, so no two groups add to one element.
    /// </summary>
    private void Expand(DeviceRows y, int columns, int parts, LoraShape shape)
    {
        ReadOnlySpan<int> places = _plan.Lora.PlaceStarts;
        for (int place = 0; place < places.Length; place++)
        {
            int first = places[place];
            int end = place + 1 < places.Length ? places[place + 1] : _plan.Lora.Chunks.Length;
            _kernels.Expand(
                _stream, Launch.Groups(Launch.Blocks(columns), end - first, parts), Shrunk, PageMemory.Floats, PageMemory.Halves,
                _directories!.View,
                Step.ChunksFrom(first), Step.EntryRows, Step.EntryWeights, Step.OutputOfRow, Values(y), shape);
        }
    }

    private void ReserveShrunk(long elements)
    {
        if (_shrunk is null || _shrunk.All.Length < elements * sizeof(float))
        {
            _device.Synchronize();
            _shrunk?.Dispose();
            _shrunk = new DeviceArena(_device, elements * sizeof(float), "shrunken rows");
        }
    }

    private void SetAngles(GpuRope rope, int positions)
    {
        rope.Angles = _activations!.Take<float>((long)positions * rope.HeadDim);
        int rowsAtOnce = Math.Max(1, (1 << 20) / rope.HeadDim);
        using var staging = new HostBuffer(_device, (long)rowsAtOnce * rope.HeadDim * sizeof(float));
        for (int first = 0; first < positions; first += rowsAtOnce)
        {
            int count = Math.Min(rowsAtOnce, positions - first);
            for (int i = 0; i < count; i++)
            {
                rope.Compute(first + i, staging.Span<float>((long)i * rope.HeadDim * sizeof(float), rope.HeadDim));
            }

            ArrayView<byte> target = rope.Angles.SubView((long)first * rope.HeadDim, (long)count * rope.HeadDim).Cast<byte>();
            _device.Upload(staging.Address, target);
            _device.Synchronize();
        }
    }

    private static int Divide(int elements, int groups) => (elements + groups - 1) / groups;
}
