using ILGPU;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Gpu.Bench;

/// <summary>
/// Shrink and expand of q, k and v, each by itself: rows dealt out evenly to adapters of one rank. Launches go from layer to layer, as in a
/// step, so that no launch finds its tiles in the cache that the one before has filled.
/// </summary>
internal sealed class LoraTimes : IDisposable
{
    private const int Layers = 4;

    private readonly GpuDevice _device;
    private readonly GpuKernels _kernels;
    private readonly GpuPageMemory _pages;
    private readonly AdapterDirectories _directories;
    private readonly StepUpload _upload;
    private readonly DeviceArena _activations;
    private readonly ResidentAdapter[] _adapters;
    private readonly ArrayView<float> _x;
    private readonly ArrayView<float> _y;
    private readonly Shape _shape;
    private readonly TensorType _type;
    private readonly int _rank;

    private LoraTimes(Shape shape, TensorType type, int rank, int adapters, int rows, GpuDevice device, GpuKernels kernels)
    {
        _device = device;
        _shape = shape;
        _type = type;
        _rank = rank;
        _kernels = kernels;
        TargetModule[] targets = [.. Enumerable.Range(0, Layers * 3).Select(i => new TargetModule
        {
            Index = i,
            Name = $"module {i}",
            Kind = TargetKind.Linear,
            Layer = i / 3,
            InFeatures = shape.Hidden,
            OutFeatures = Outputs(i % 3),
        })];
        RandomGeneration.Module[] modules = [.. targets.Select(target => new RandomGeneration.Module(target, rank, 2, type, type))];
        const long PageBytes = 512 << 10;
        int pagesEach = RandomGeneration.Plan(targets.Length, modules, PageBytes).PageCount;
        _pages = new GpuPageMemory(device, pagesEach * adapters, PageBytes);
        _directories = new AdapterDirectories(device, PageBytes);
        _upload = new StepUpload(device, _directories, 0);
        var maker = new RandomGeneration(PageBytes, new Queue<int>(Enumerable.Range(0, pagesEach * adapters)), _pages);
        _adapters = [.. Enumerable.Range(0, adapters).Select(_ => maker.Create(targets.Length, modules))];
        long x = (long)rows * shape.Hidden, y = (long)rows * Width, v = (long)LoraKernels.MaxParts * rows * rank;
        _activations = new DeviceArena(device, 4 * (x + y + v) + (4 * DeviceArena.Alignment), "activations");
        _x = _activations.Take<float>(x);
        _y = _activations.Take<float>(y);
        Shrunk = _activations.Take<float>(v);
    }

    private ArrayView<float> Shrunk { get; }

    private int Width => Outputs(0) + Outputs(1) + Outputs(2);

    /// <summary>Measures all combinations.</summary>
    public static void Run(Shape shape, KernelSettings settings, GpuDevice device, DeviceCeilings ceilings, DeviceClock clock)
    {
        var kernels = new GpuKernels(new KernelLoader(device));
        foreach (int rank in settings.Ranks)
        {
            using var times = new LoraTimes(shape, settings.Weights, rank, settings.Adapters.Max(), settings.Rows.Max(), device, kernels);
            foreach (int rows in settings.Rows)
            {
                foreach (int adapters in settings.Adapters.Where(count => count <= rows))
                {
                    times.Measure(rows, adapters, settings, ceilings, clock);
                }
            }
        }
    }

    public void Dispose()
    {
        _activations.Dispose();
        _upload.Dispose();
        _directories.Dispose();
        _pages.Dispose();
    }

    private int Outputs(int part) => (part == 0 ? _shape.Heads : _shape.KeyValueHeads) * _shape.HeadDim;

    private void Measure(int rows, int adapters, KernelSettings settings, DeviceCeilings ceilings, DeviceClock clock)
    {
        var plan = new StepPlan(rows, 0);
        plan.AddSlice(new int[rows], 0, [], 0);
        for (int adapter = 0; adapter < adapters; adapter++)
        {
            int first = rows * adapter / adapters;
            plan.Lora.Add(_adapters[adapter], first, (rows * (adapter + 1) / adapters) - first, 1, startsPlace: adapter == 0);
        }

        _upload.Send(plan, _upload.Measure(plan));
        _directories.Upload();
        LoraShape[] shapes = [.. Enumerable.Range(0, Layers).Select(layer => new LoraShape(
            _shape.Hidden, Width, 0, 3 * layer, (3 * layer) + 1, (3 * layer) + 2, 0, Outputs(0), Outputs(0) + Outputs(1),
            new SumLeaves([0, _shape.Hidden])))];
        ShrinkLauncher down = _kernels.TensorAdapters?.Shrink ?? _kernels.Shrink;
        ExpandLauncher up = _kernels.TensorAdapters?.Expand ?? _kernels.Expand;
        int blocks = _kernels.TensorAdapters is null ? Launch.Blocks((Outputs(0) + 7) / 8) : (Outputs(0) + 255) / 256;
        int size = _type.ElementSize();
        double v = 3.0 * rows * _rank;
        double shrink = clock.Median(i => down(
            _device.Stream, Launch.Groups(_upload.ShrinkBlockCount, 3), _x, _pages.Floats, _pages.Halves, _directories.View,
            _upload.ShrinkBlocks, _upload.Chunks,
            _upload.EntryRows, _upload.OutputOfRow, Shrunk, shapes[i % Layers]));
        new Timing(
            _shape.Name, "shrink q,k,v", rows, adapters, _rank, shrink,
            (3.0 * adapters * _rank * _shape.Hidden * size) + (4.0 * rows * _shape.Hidden) + (4 * v), 2 * v * _shape.Hidden)
                .Print(ceilings, settings.Json);
        double expand = clock.Median(i => up(
            _device.Stream, Launch.Groups(blocks, _upload.ExpandBlockCount(0, plan.Lora.Chunks.Length), 3), Shrunk, _pages.Floats,
            _pages.Halves, _directories.View, _upload.ExpandBlocks, _upload.Chunks, _upload.EntryRows, _upload.EntryWeights,
            _upload.OutputOfRow, _y, shapes[i % Layers]));
        new Timing(
            _shape.Name, "expand q,k,v", rows, adapters, _rank, expand,
            ((double)adapters * _rank * Width * size) + (8.0 * rows * Width) + (4 * v), 2.0 * rows * _rank * Width)
                .Print(ceilings, settings.Json);
    }
}
