using System.Collections.Immutable;
using SLoRA.Scheduling;

namespace SLoRA.Core.Tests.Engine;

/// <summary>A tiny model of one kind, with adapters that it serves and a pool that is too small for all that is asked of it.</summary>
/// <param name="Fixture">The folder of the model and of its adapters.</param>
/// <param name="PoolBytes">The pool.</param>
/// <param name="Contents">Adapters.</param>
internal sealed record ModelKind(string Fixture, long PoolBytes, params ImmutableArray<string> Contents)
{
    private const string Llama = "core-llama-gqa";

    private static readonly ImmutableArray<string> LlamaContents = ["qv", "r1", "rslora", "wide", "embed-and-head"];

    /// <summary>The kinds, by name.</summary>
    public static readonly ImmutableDictionary<string, ModelKind> All = new Dictionary<string, ModelKind>
    {
        ["dense"] = new(Llama, 48 * 12288, LlamaContents),
        ["states"] = new(Llama, 48 * 12288, LlamaContents) { Create = States },
        ["windows"] = new(Llama, 40 * 12288, LlamaContents) { Create = Windows("wide windows") },
        ["windows beside whole"] =
            new(Llama, 44 * 12288, LlamaContents) { Create = Windows("chunk beside window beside whole") },
        ["experts"] = new("later-olmoe", 330 << 10, "qv-r8", "rslora-r5", "later-all-linear-r4"),
        ["latent"] = new("later-glm4-moe-lite", 200 << 10, "mla-r8", "rslora-r5", "later-all-linear-r4"),
        ["convolutions"] = new("later-lfm2", 100 << 10, "qv-r8", "rslora-r5", "all-linear-r4"),
    }.ToImmutableDictionary();

    /// <summary>Makes an engine of a kind.</summary>
    /// <param name="configure">What is configured besides.</param>
    /// <param name="chunkLimit">The most rows of a chunk.</param>
    /// <param name="overlaps">Whether a step publishes while the next one computes.</param>
    /// <param name="order">The order of the queue; null for first come, first served.</param>
    public delegate SteppedEngine Creation(
        Action<LoraServingEngineBuilder> configure, Func<int>? chunkLimit, bool overlaps, IQueueOrder? order);

    /// <summary>Makes the engine where it is not that of a folder as it is.</summary>
    public Creation? Create { get; init; }

    /// <summary>The folder of one of <see cref="Contents"/>.</summary>
    public string AdapterFolder(string content) => RepositoryFolder.Fixture(Fixture, "adapters", content);

    /// <summary>An engine that serves it on one thread.</summary>
    public SteppedEngine Engine(
        Action<LoraServingEngineBuilder> configure, Func<int>? chunkLimit = null, bool overlaps = false,
        IQueueOrder? order = null)
    {
        return Create?.Invoke(configure, chunkLimit, overlaps, order) ?? new SteppedEngine(
            builder => configure(builder.UseCpu(cpu => cpu.Threads = 1).UseModel(RepositoryFolder.Fixture(Fixture, "model"))), chunkLimit,
            overlaps: overlaps, order: order);
    }

    private static SteppedEngine States(
        Action<LoraServingEngineBuilder> configure, Func<int>? chunkLimit, bool overlaps, IQueueOrder? order) =>
        StateModel.Engine(configure, chunkLimit, overlaps: overlaps, onCpu: true, order: order);

    private static Creation Windows(string model) => (configure, chunkLimit, overlaps, order) =>
        WindowModel.Engine(model, configure, chunkLimit, overlaps: overlaps, order: order);
}
