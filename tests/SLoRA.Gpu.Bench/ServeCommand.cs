using System.Diagnostics;
using System.Globalization;
using SLoRA.Backends.Gpu;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Gpu.Bench;

/// <summary>
/// Whole steps of a model with random weights, from the upload of the plan until the logits are there, on the host's clock: decode rows
/// with a context each, and one prompt, for the base alone and for rows that are dealt out to adapters of rank 64, 32, 16 and 8 in turn on
/// q, k, v and o.
/// </summary>
internal sealed class ServeCommand : IDisposable
{
    private const int Prompt = 512;

    private static readonly int[] Ranks = [64, 32, 16, 8];

    private readonly ServeSettings _settings;
    private readonly BenchModel _model;
    private readonly GpuBackend _backend;
    private readonly KvLayout _layout;
    private readonly Decoder _decoder;
    private readonly ResidentAdapter[] _adapters;
    private readonly int _pagesEach;
    private readonly int _rowLimit;
    private readonly int _outputLimit;

    private ServeCommand(GpuDevice device, ServeSettings settings)
    {
        _settings = settings;
        _model = new BenchModel(settings.Model, settings.Weights, Math.Min(settings.Model.Layers, settings.Layers));
        _outputLimit = settings.Rows.Max();
        _rowLimit = Math.Max(Prompt, _outputLimit);
        _backend = new GpuBackend(device, _rowLimit, _outputLimit, graphs: settings.Graphs);
        _layout = KvLayout.For(_model.Description.Kept, settings.Weights);
        TargetModule[] targets = [.. _model.Targets];
        RandomGeneration.Module[][] adapters =
            [.. Enumerable.Range(0, settings.Adapters).Select(i => Modules(targets, Ranks[i % Ranks.Length]))];
        _pagesEach = Math.Max(_layout.PagesFor(settings.Context + 1), _layout.PagesFor(Prompt));
        int cachePages = _pagesEach * _outputLimit;
        int adapterPages = adapters.Sum(modules => RandomGeneration.Plan(targets.Length, modules, _layout.PageBytes).PageCount);
        _backend.AllocatePages(_layout, cachePages + adapterPages);
        LoadedDecoder weights = _model.Load(_backend);
        _decoder = new Decoder(_model.Description, weights, _backend);
        _backend.CompleteLoading(_model.Description.Shape);
        byte[] zeros = new byte[_layout.PageBytes];
        for (int page = 0; page < cachePages; page++)
        {
            _backend.Pages.Write(page, 0, zeros);
        }

        var maker = new RandomGeneration(_layout.PageBytes, new Queue<int>(Enumerable.Range(cachePages, adapterPages)), _backend.Pages);
        _adapters = [.. adapters.Select(modules => maker.Create(targets.Length, modules))];
    }

    /// <summary>Measures and prints.</summary>
    public static void Run(GpuOptions options, ServeSettings settings)
    {
        GpuDevice device = GpuDevice.Open(options);
        string text = DeviceText.Describe(device);
        DeviceCeilings ceilings;
        using (var clock = new DeviceClock(device, 0.2))
        {
            ceilings = DeviceCeilings.Measure(device, clock);
        }

        using var command = new ServeCommand(device, settings);
        Console.WriteLine(settings.Json
            ? $"{{\"device\":\"{device.Name}\"}}\n{ceilings.ToJson()}"
            : $"{text}\n{ceilings}\n{settings.Model.Name} {settings.Weights}, {command._model.Description.Layers.Length} layers, context "
                + $"{settings.Context}");
        foreach (int rows in settings.Rows)
        {
            command.Report("decode", rows, 0, rows, ceilings);
            command.Report("decode", rows, settings.Adapters, rows, ceilings);
        }

        command.Report("prefill", 1, 0, Prompt, ceilings);
        command.Report("prefill", 1, 1, Prompt, ceilings);
    }

    public void Dispose()
    {
        _backend.Dispose();
        _model.Dispose();
    }

    private static RandomGeneration.Module[] Modules(TargetModule[] targets, int rank) =>
    [
        .. targets.Where(target => target.Name.EndsWith("q_proj", StringComparison.Ordinal)
            || target.Name.EndsWith("k_proj", StringComparison.Ordinal)
                || target.Name.EndsWith("v_proj", StringComparison.Ordinal) || target.Name.EndsWith("o_proj", StringComparison.Ordinal))
            .Select(target => new RandomGeneration.Module(target, rank, 2, TensorType.BF16, TensorType.BF16)),
    ];

    private void Report(string name, int sequences, int adapters, int rows, DeviceCeilings ceilings)
    {
        var plan = new StepPlan(_rowLimit, _outputLimit);
        int rowsEach = rows / sequences;
        int position = rowsEach == 1 ? _settings.Context : 0;
        for (int i = 0; i < sequences; i++)
        {
            plan.AddSlice(new int[rowsEach], position, [.. Enumerable.Range(i * _pagesEach, _layout.PagesFor(position + rowsEach))], 1);
        }

        int used = Math.Min(adapters, sequences);
        bool starts = true;
        for (int adapter = 0; adapter < used; adapter++)
        {
            for (int i = adapter; i < sequences; i += used)
            {
                plan.Lora.Add(_adapters[adapter], i * rowsEach, rowsEach, 1, starts);
                starts = false;
            }
        }

        (double seconds, long allocated) = Median(plan);
        int keys = _model.Shape.KeyValueHeads * _model.Shape.HeadDim;
        double bytes = _model.Multiplied * (double)_settings.Weights.ElementSize()
            + ((double)sequences * position * _model.Description.Layers.Length * 2 * keys * _settings.Weights.ElementSize());
        double possible = ceilings.Possible(bytes, 2.0 * _model.Multiplied * rows);
        Console.WriteLine(_settings.Json
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{{\"model\":\"{_model.Shape.Name}\",\"step\":\"{name}\",\"rows\":{rows},\"adapters\":{used},\"ms\":{seconds * 1e3:F3},"
                + $"\"tok_s\":{rows / seconds:F1},"
                + $"\"possible_ms\":{possible * 1e3:F3},\"achieved\":{possible / seconds:F3},\"allocated\":{allocated}}}")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"  {name,-8} {rows,4} rows {used,3} adapters  {seconds * 1e3,9:F2} ms  {rows / seconds,9:F1} tokens/s  possible "
                + $"{possible * 1e3,8:F2} ms  "
                + $"{possible / seconds,6:P1}  {allocated} bytes allocated a step"));
    }

    private (double Seconds, long Allocated) Median(StepPlan plan)
    {
        _decoder.Run(plan);
        _decoder.Run(plan);
        var times = new List<double>(4096);
        long first = Stopwatch.GetTimestamp();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        while (times.Count < 5 || (Stopwatch.GetElapsedTime(first).TotalSeconds < _settings.Seconds && times.Count < times.Capacity))
        {
            long start = Stopwatch.GetTimestamp();
            _decoder.Run(plan);
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        allocated = (GC.GetAllocatedBytesForCurrentThread() - allocated) / times.Count;
        times.Sort();
        return (times[times.Count / 2], allocated);
    }
}

/// <summary>What is measured.</summary>
internal sealed record ServeSettings
{
    /// <summary>The model.</summary>
    public required Shape Model { get; init; }

    /// <summary>Type of weights and cache.</summary>
    public required TensorType Weights { get; init; }

    /// <summary>Decode rows of the steps.</summary>
    public required int[] Rows { get; init; }

    /// <summary>Adapters.</summary>
    public required int Adapters { get; init; }

    /// <summary>Positions that a decode row has before it.</summary>
    public required int Context { get; init; }

    /// <summary>The most layers that are made.</summary>
    public required int Layers { get; init; }

    /// <summary>How long each step is sampled, at least.</summary>
    public required double Seconds { get; init; }

    /// <summary>Whether decode steps are CUDA graphs, where the device has them.</summary>
    public required bool Graphs { get; init; }

    /// <summary>Whether every line is JSON.</summary>
    public required bool Json { get; init; }
}
