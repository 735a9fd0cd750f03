using SLoRA.Backends.Cpu;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Experiments;

/// <summary>What real runs on this machine have in common: a small decoder over lengths that fit it.</summary>
/// <param name="Shape">The decoder.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="Seconds">Seconds of arrivals of each run.</param>
/// <param name="Say">Told what is being done.</param>
internal sealed record MeasuredMachine(Shape Shape, int Threads, double Seconds, Action<string> Say)
{
    /// <summary>The paper's lengths are divided by it.</summary>
    public const int Shorter = 4;

    // Room for about as many requests as the paper's smallest pool had, beside ten adapters.
    private const int PoolPages = 420;
    private const int PageTokens = 16;

    /// <summary>The ranks of adapters, in turn, where nothing else is said.</summary>
    public static IReadOnlyList<int> AllRanks { get; } = [64, 32, 16, 8];

    /// <summary>Bytes of the weights.</summary>
    public long WeightBytes => Shape.Products().Sum(product => 2L * product.Count * product.Inputs * product.Outputs.Sum());

    /// <summary>Draws requests of S-LoRA's generator, shortened.</summary>
    public Trace Draw(SyntheticTrace trace) => (trace with { Seconds = Seconds }).Draw().Shorter(Shorter);

    /// <summary>Little memory, and everything else as it is.</summary>
    public SystemSetup Setup(int adapters, IReadOnlyList<int> ranks) => new()
    {
        Adapters = adapters,
        Ranks = ranks,
        PoolBytes = PoolPages * (long)PageTokens * 2 * 2 * Shape.Layers * Shape.KeyValueHeads * Shape.HeadDim,
        WeightBytes = WeightBytes,
    };

    /// <summary>Runs a trace.</summary>
    /// <returns>Null when the memory does not suffice.</returns>
    public MeasuredRun? Run(SystemKind kind, SystemSetup setup, Trace trace, string what)
    {
        Say($"{what}: {trace.Name}, {trace.Requests.Count} requests");
        return MeasuredRun.Make(kind, setup, trace, Shape, Threads);
    }

    /// <summary>A result of real runs.</summary>
    public ExperimentResult Result(string name, string varies, IReadOnlyList<Point> points) => new()
    {
        Name = name,
        Varies = varies,
        Conditions = $"{Shape.Name} bf16, {Threads} threads, {InstructionSets.Description}; lengths / {Shorter}, {Seconds:F0} s",
        Points = points,
    };
}
