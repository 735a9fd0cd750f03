using SLoRA.Backends;
using SLoRA.Backends.Gpu;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Gpu.Bench;

/// <summary>
/// The operations of a step, one by one, in the shapes of a model: decode rows that each have a context of their own, and one prompt chunk.
/// Launches go from layer to layer, so that weights and pages come from memory as far as they exceed the device's cache.
/// </summary>
internal sealed class KernelsCommand : IDisposable
{
    private const int OutputLimit = 64;

    private readonly KernelSettings _settings;
    private readonly DeviceCeilings _ceilings;
    private readonly DeviceClock _clock;
    private readonly BenchModel _model;
    private readonly GpuBackend _backend;
    private readonly LoadedDecoder _weights;
    private readonly LayerGroups[] _layers;
    private readonly DeviceRope _rope;
    private readonly KvLayout _layout;
    private readonly Dictionary<string, DeviceRows> _rows = [];

    private KernelsCommand(Shape shape, KernelSettings settings, GpuDevice device, DeviceCeilings ceilings)
    {
        _settings = settings;
        _ceilings = ceilings;
        _clock = new DeviceClock(device, settings.Seconds);
        int layers = Math.Min(shape.Layers, settings.Layers);
        int rowLimit = settings.Rows.Max();
        _model = new BenchModel(shape, settings.Weights, layers);
        _backend = new GpuBackend(device, rowLimit, OutputLimit);
        _layout = KvLayout.For(_model.Description.Kept, settings.Weights);
        int pages = settings.Rows.Max(rows => IsPrompt(rows) ? _layout.PagesFor(rows) : rows * _layout.PagesFor(settings.Context + 1));
        _backend.AllocatePages(_layout, pages);
        _weights = _model.Load(_backend);
        _layers = [.. Enumerable.Range(0, layers).Select(layer => new LayerGroups(_model, _backend, layer))];
        _rope = _backend.CreateRope(_model.Rope);
        int inner = shape.Intermediate;
        foreach ((string name, RowSet set, int width) in new[]
        {
            ("hidden", RowSet.Step, shape.Hidden), ("residual", RowSet.Step, shape.Hidden), ("qkv", RowSet.Step, QkvWidth),
            ("attended", RowSet.Step, QueryWidth),
            ("gate+up", RowSet.Step, 2 * inner), ("gated", RowSet.Step, inner), ("outputs", RowSet.Output, shape.Hidden),
            ("logits", RowSet.Output, shape.Vocabulary),
        })
        {
            _rows.Add(name, _backend.CreateRows(set, width));
        }

        _backend.CompleteLoading(_model.Description.Shape);
        FillRows(device, rowLimit);
    }

    private Shape Shape => _model.Shape;

    private int QueryWidth => Shape.Heads * Shape.HeadDim;

    private int KeyWidth => Shape.KeyValueHeads * Shape.HeadDim;

    private int QkvWidth => QueryWidth + (2 * KeyWidth);

    private int Size => _settings.Weights.ElementSize();

    /// <summary>Measures all models that the settings name.</summary>
    public static void Run(GpuOptions options, KernelSettings settings)
    {
        DeviceCeilings ceilings;
        using (GpuDevice device = GpuDevice.Open(options))
        using (var clock = new DeviceClock(device, settings.Seconds))
        {
            ceilings = DeviceCeilings.Measure(device, clock);
            Console.WriteLine(settings.Json
                ? $"{{\"device\":\"{device.Name}\",\"clock\":\"{(clock.HasEvents ? "events" : "host")}\"}}\n{ceilings.ToJson()}"
                : $"{DeviceText.Describe(device)}\n{ceilings}; times from {(clock.HasEvents ? "device events" : "the host's clock")}, "
                    + $"median");
        }

        foreach (Shape shape in settings.Models)
        {
            using (var command = new KernelsCommand(shape, settings, GpuDevice.Open(options), ceilings))
            {
                foreach (int rows in settings.Rows)
                {
                    command.Measure(rows);
                }
            }

            using GpuDevice device = GpuDevice.Open(options);
            using var clock = new DeviceClock(device, settings.Seconds);
            LoraTimes.Run(shape, settings, device, ceilings, clock);
        }
    }

    public void Dispose()
    {
        // The backend closes the device, and the clock has events on it.
        _clock.Dispose();
        _backend.Dispose();
        _model.Dispose();
    }

    /// <summary>More rows than can have logits are one prompt chunk; fewer are decode rows.</summary>
    private static bool IsPrompt(int rows) => rows > OutputLimit;

    private void FillRows(GpuDevice device, int limit)
    {
        var random = new Random(1);
        foreach (DeviceRows rows in _rows.Values)
        {
            int count = rows.Rows == RowSet.Step ? limit : OutputLimit;
            rows.Write(device, [.. Enumerable.Range(0, count * rows.Width).Select(_ => random.NextSingle() - 0.5f)]);
        }
    }

    private void Measure(int rows)
    {
        bool isPrompt = IsPrompt(rows);
        var plan = new StepPlan(rows, OutputLimit);
        int pagesEach = _layout.PagesFor(_settings.Context + 1);
        for (int i = 0; i < (isPrompt ? 1 : rows); i++)
        {
            int[] pages = isPrompt ? [.. Enumerable.Range(0, _layout.PagesFor(rows))] : [.. Enumerable.Range(i * pagesEach, pagesEach)];
            plan.AddSlice(new int[isPrompt ? rows : 1], isPrompt ? 0 : _settings.Context, pages, 1);
        }

        _backend.BeginStep(plan);
        double hidden = 4.0 * Shape.Hidden;
        GroupedAttention attention = _model.Attention;
        Report("embed", rows, _ => _backend.Embed(_weights.Embedding, 0, _rows["hidden"]), rows
            * (hidden + ((double)Size * Shape.Hidden)), 0);
        Report("norm", rows, _ => _backend.Norm(_rows["hidden"], _weights.FinalNorm.Weight, 1e-5f, _rows["residual"]), (2 * rows * hidden)
            + hidden, 4.0 * rows * Shape.Hidden);
        Product("qkv", rows, layer => layer.Qkv, "hidden");
        Report(
            "rotate, store", rows, i => _backend.RotateAndStore(_rows["qkv"], Layer(i), attention, _rope),
            rows * ((4.0 * (QkvWidth + QueryWidth)) + (2.0 * KeyWidth * Size) + (4.0 * Shape.HeadDim)), 3.0 * rows
                * (QueryWidth + KeyWidth));
        double seen = isPrompt ? rows * (rows + 1) / 2.0 : rows * (_settings.Context + 1.0);
        double read = isPrompt ? rows : rows * (_settings.Context + 1.0);
        Report(
            "attend", rows, i => _backend.Attend(_rows["qkv"], Layer(i), attention, _rows["attended"]),
            (8.0 * rows * QueryWidth) + (read * 2 * KeyWidth * Size), 4 * seen * QueryWidth);
        Product("o", rows, layer => layer.Output, "attended", "residual");
        Report("add", rows, _ => _backend.Add(_rows["hidden"], _rows["residual"]), 3 * rows * hidden, rows * (double)Shape.Hidden);
        Product("gate+up", rows, layer => layer.GateUp, "hidden");
        Report("gate", rows, _ => _backend.Gate(Activation.Silu, _rows["gate+up"], _rows["gated"]), 12.0 * rows * Shape.Intermediate, 5.0
            * rows * Shape.Intermediate);
        Product("down", rows, layer => layer.Down, "gated", "residual");
        int outputs = plan.OutputCount;
        Report("gather", rows, _ => _backend.GatherOutputs(_rows["hidden"], _rows["outputs"]), 2 * outputs * hidden, 0);
        double head = (double)Shape.Hidden * Shape.Vocabulary;
        Report(
            "head", rows, _ => _backend.Linear(_weights.Head, _rows["outputs"], _rows["logits"]),
            (head * Size) + (4.0 * outputs * (Shape.Hidden + Shape.Vocabulary)), 2 * head * outputs);
    }

    private int Layer(int launch) => launch % _layers.Length;

    private void Product(string name, int rows, Func<LayerGroups, LinearGroup> group, string x, string? y = null)
    {
        LinearGroup first = group(_layers[0]);
        double weights = (double)first.Inputs * first.Outputs;
        Report(
            name, rows, i => _backend.Linear(group(_layers[Layer(i)]), _rows[x], _rows[y ?? name]),
            (weights * Size) + (4.0 * rows * (first.Inputs + first.Outputs)), 2 * weights * rows);
    }

    private void Report(string name, int rows, Action<int> launch, double bytes, double operations) =>
        new Timing(Shape.Name, name, rows, 0, 0, _clock.Median(launch), bytes, operations).Print(_ceilings, _settings.Json);

    /// <summary>The products of one layer.</summary>
    private sealed class LayerGroups(BenchModel model, GpuBackend backend, int layer)
    {
        public LinearGroup Qkv { get; } = model.Group(backend, layer, "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj");

        public LinearGroup Output { get; } = model.Group(backend, layer, "self_attn.o_proj");

        public LinearGroup GateUp { get; } = model.Group(backend, layer, "mlp.gate_proj", "mlp.up_proj");

        public LinearGroup Down { get; } = model.Group(backend, layer, "mlp.down_proj");
    }
}

/// <summary>What is measured.</summary>
internal sealed record KernelSettings
{
    /// <summary>Models.</summary>
    public required Shape[] Models { get; init; }

    /// <summary>Type of weights, cache and adapters.</summary>
    public required TensorType Weights { get; init; }

    /// <summary>Rows of the steps: up to 64 are decode rows, more are one prompt.</summary>
    public required int[] Rows { get; init; }

    /// <summary>Adapters of the steps with adapters.</summary>
    public required int[] Adapters { get; init; }

    /// <summary>Ranks.</summary>
    public required int[] Ranks { get; init; }

    /// <summary>Positions that a decode row has before it.</summary>
    public required int Context { get; init; }

    /// <summary>The most layers that are made.</summary>
    public required int Layers { get; init; }

    /// <summary>How long a kernel is sampled, at least.</summary>
    public required double Seconds { get; init; }

    /// <summary>Whether every line is JSON.</summary>
    public required bool Json { get; init; }
}
