using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>
/// Kernels in ILGPU's simulation, which ends the process at the first index out of range: for processes of their own.
/// </summary>
internal static class Simulation
{
    /// <summary>
    /// Cases that use every kernel at least once, by name; the smallest that fill more than one group or split where the kernel has them.
    /// </summary>
    public static IReadOnlyDictionary<string, Action<Func<int, int, GpuTwin>>> Cases { get; } =
        new Dictionary<string, Action<Func<int, int, GpuTwin>>>
        {
            ["few rows"] = twin =>
                Run(twin(2, 0), t => KernelChecks.Products(t, 2, 67, (TensorType.F32, 3, true), (TensorType.BF16, 9, false))),
            ["many rows"] = twin => Run(twin(9, 0), t => KernelChecks.Products(t, 9, 35, (TensorType.F16, 5, true))),
            ["packed weights"] = twin => Run(twin(2, 0), t => KernelChecks.Products(
                t, 2, t.Group(256, (BlockFormats.Q4K, 3, true), (BlockFormats.Q6K, 2, false), (WeightFormat.Q8_0, 2, false)))),
            ["norms"] = twin => Run(twin(2, 0), t => KernelChecks.Norms(t, 2, 131, 2, 6)),
            ["gates"] = twin => Run(twin(2, 0), t => KernelChecks.Gates(t, 2, 130, 3)),
            ["layer norms"] = twin => Run(twin(2, 0), t => FamilyKernelChecks.LayerNorms(t, 2, 131)),
            ["functions"] = twin => Run(twin(2, 0), t => FamilyKernelChecks.Functions(t, 2, 130, 3)),
            ["gates of experts"] = twin => Run(twin(2, 0), t => FamilyKernelChecks.GatesOfExperts(t, 2, 130)),
            ["convolutions"] = twin => Run(twin(3, 0), t => FamilyKernelChecks.Convolutions(t, 131, 3, 2)),
            ["recurrences"] = twin => Run(
                twin(3, 0), t => FamilyKernelChecks.Recurrences(t, FamilyOperations.AnyRecurrence(new Random(2)), 2, gatesFirst: true)),
            ["rotations"] = twin => Run(
                twin(2, 0), t => FamilyKernelChecks.Rotations(t, 2, FamilyOperations.AnyRope(new Random(1), 12), 3, 12)),
            ["look-ups, sums and gathers"] = twin => Run(twin(3, 3), t => KernelChecks.Moves(t, 3, 130)),
            ["deltas"] = twin => Run(twin(3, 0), t => KernelChecks.Deltas(t, 3, RowSet.Step, 20, (TensorType.F32, 7, false))),
            ["deltas over whole runs"] = twin =>
                Run(twin(6, 0), t => KernelChecks.Deltas(t, 6, RowSet.Step, 136, (TensorType.F32, 9, false), (TensorType.F32, 5, true))),

            // The random adapters of this step leave its one module out.
            ["deltas of adapters without factors"] = twin =>
                Run(twin(5, 0), t => KernelChecks.Deltas(t, 5, RowSet.Step, 136, (TensorType.F32, 7, false))),
            ["deltas of output rows"] = twin =>
                Run(twin(6, 6), t => KernelChecks.Deltas(t, 6, RowSet.Output, 9, (TensorType.F32, 5, false))),
            ["embeddings"] = twin => Run(twin(3, 0), t => KernelChecks.Embeddings(t, 3, TensorType.BF16, 11, 6)),
            ["attention"] = twin => Run(
                twin(4, 0),
                t => AttentionChecks.Agree(t, Layouts.Attention(2, 1, 4, 3), TensorType.F16, 2, 4, new Chunk(2, 3), new Chunk(0, 1))),
            ["attention, 8 bits"] = twin => Run(
                twin(4, 0),
                t => AttentionChecks.Agree(t, Layouts.Attention(2, 1, 4, 3), TensorType.I8, 2, 4, new Chunk(2, 3), new Chunk(0, 1))),
            ["attention over splits, 8 bits"] = twin => Run(
                twin(90, 0),
                t => AttentionChecks.Agree(
                    t, Layouts.Attention(1, 1, 36), TensorType.I8, 16, 90, new Chunk(256, 1), new Chunk(256, 2))),
            ["attention over splits"] = twin => Run(
                twin(90, 0),
                t => AttentionChecks.Agree(
                    t, Layouts.Attention(1, 1, 2), TensorType.F32, 16, 90, new Chunk(256, 1), new Chunk(256, 2))),

            // On devices with tensor cores, on these.
            ["attention over splits, units of eight columns"] = twin => Run(
                twin(90, 0),
                t => AttentionChecks.Agree(
                    t, Layouts.Attention(2, 1, 8), TensorType.BF16, 16, 90, new Chunk(256, 1), new Chunk(256, 2))),
        };

    /// <summary>Runs all cases; prints a line for each.</summary>
    public static void RunCases()
    {
        using GpuDevice device = GpuDevice.OpenSimulation();
        var kernels = new GpuKernels(new KernelLoader(device));
        foreach ((string name, Action<Func<int, int, GpuTwin>> run) in Cases)
        {
            try
            {
                run((rows, outputs) => new GpuTwin(device, kernels, seed: 3, rows, outputs));
                Console.WriteLine($"{name}: agrees");
            }
            catch (NUnit.Framework.AssertionException difference)
            {
                Console.WriteLine($"{name}: {difference.Message.ReplaceLineEndings(" ")}");
            }
        }
    }

    /// <summary>Reads where nothing is: so that a test can tell that such an index would be seen.</summary>
    public static void ReadOutside()
    {
        using GpuDevice device = GpuDevice.OpenSimulation();
        using var arena = new DeviceArena(device, DeviceArena.Alignment, "a test");
        var launch = new KernelLoader(device).Load<Action<AcceleratorStream, KernelConfig, ArrayView<float>>>(OutsideKernel.Run);
        launch(device.Stream, Launch.Groups(1), arena.All.Cast<float>());
        device.Stream.Synchronize();
        Console.WriteLine("not seen");
    }

    private static void Run(GpuTwin twin, Action<GpuTwin> check)
    {
        using (twin)
        {
            check(twin);
        }
    }
}

/// <summary>Reads where nothing is.</summary>
internal static class OutsideKernel
{
    public static void Run(ArrayView<float> x) => x[0] = x[Group.IdxX - 1];
}
