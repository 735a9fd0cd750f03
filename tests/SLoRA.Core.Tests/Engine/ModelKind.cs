using System.Collections.Immutable;
using SLoRA.Adapters.Resident;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Models.Blocks;
using SLoRA.Models.Blocks;
using SLoRA.Scheduling;

namespace SLoRA.Core.Tests.Engine;

/// <summary>A tiny model of one kind, with adapters that it serves and a pool that is too small for all that is asked of it.</summary>
/// <param name="Fixture">The folder of the model and of its adapters.</param>
/// <param name="PoolBytes">The pool.</param>
/// <param name="Contents">Adapters.</param>
internal sealed record ModelKind(string Fixture, long PoolBytes, params ImmutableArray<string> Contents)
{
    private const string Llama = "core-llama-gqa";

    private static readonly ImmutableArray<string> LlamaContents = ["qv", "r1", "rslora", "wide", "embed-and-head", "later-lora-bias"];

    private static readonly ImmutableArray<string> LoneLlamaContents =
    [
        "later-dora", "later-tokens", "later-save-head", "later-save-embed", "later-alora", .. MadeAdapters.Names,
    ];

    /// <summary>The kinds, by name.</summary>
    public static readonly ImmutableDictionary<string, ModelKind> All = new Dictionary<string, ModelKind>
    {
        ["dense"] = new(Llama, 48 * 12288, LlamaContents) { LoneContents = LoneLlamaContents },
        ["states"] = new(Llama, 48 * 12288, LlamaContents)
        {
            Layers = StateModel.WithStates,
            Extend = backend => new StateBackend(backend),
        },
        ["windows"] = new(Llama, 40 * 12288, LlamaContents) { Layers = Windows("wide windows"), LoneContents = LoneLlamaContents },
        ["windows beside whole"] = new(Llama, 44 * 12288, LlamaContents) { Layers = Windows("chunk beside window beside whole") },
        ["windows beside whole, 8 bits"] = new(Llama, 8 * 12288, "qv", "r1", "rslora", "later-lora-bias")
        {
            Layers = Windows("chunk beside window beside whole"),
            Cache = CacheType.Int8,
        },
        ["experts"] = new("later-olmoe", 290 << 10, "qv-r8", "rslora-r5", "later-all-linear-r4")
        {
            LoneContents = ["later-experts", "later-experts-v4"],
        },
        ["latent"] = new("later-glm4-moe-lite", 160 << 10, "mla-r8", "rslora-r5", "later-all-linear-r4")
        {
            LoneContents = ["later-experts", "later-shared-experts"],
        },
        ["biases"] = new("core-qwen2", 56 * 3072, "qv-r8", "rslora-r5", "all-linear-r4")
        {
            LoneContents = ["later-bias-all", "later-bias-lora-only"],
        },
        ["convolutions"] = new("later-lfm2", 100 << 10, "qv-r8", "rslora-r5", "all-linear-r4"),
        ["delta net"] = new("later-qwen3-5-moe", 400 << 10, "qv-r8", "rslora-r5", "linear-attn-r3", "all-linear-r4")
        {
            LoneContents = ["later-experts", "shared-expert-r3"],
        },
        ["mamba"] = new("later-nemotron-h", 400 << 10, "qv-r8", "rslora-r5", "all-but-out-proj-r4")
        {
            LoneContents = ["later-experts"],
        },
    }.ToImmutableDictionary();

    /// <summary>Contents that a request has alone: those of <see cref="Contents"/> unless there are others.</summary>
    public ImmutableArray<string> LoneContents { get => field.IsDefault ? Contents : field; init; }

    /// <summary>All that a request may have by itself.</summary>
    public ImmutableArray<string> AllContents => [.. Contents.Union(LoneContents)];

    /// <summary>What keys and values are kept as.</summary>
    public CacheType Cache { get; init; }

    /// <summary>What is other in its layers than the folder says; null for nothing.</summary>
    public Func<DecoderDescription, DecoderDescription>? Layers { get; init; }

    /// <summary>What its layers need beside a backend's operations.</summary>
    public Func<IBackend, IBackend> Extend { get; init; } = static backend => backend;

    /// <summary>The folder of an adapter.</summary>
    public string AdapterFolder(string content) => MadeAdapters.Find(content) ?? RepositoryFolder.Fixture(Fixture, "adapters", content);

    /// <summary>An engine that serves it, on one thread of the Cpu unless another backend is given.</summary>
    public SteppedEngine Engine(
        Action<LoraServingEngineBuilder> configure, Func<int>? chunkLimit = null, bool overlaps = false, IQueueOrder? order = null,
        Func<int, int, IBackend>? backend = null, Func<ReadContent, ReadContent>? reading = null) => new(
        builder =>
        {
            builder.UseModel(RepositoryFolder.Fixture(Fixture, "model")).ConfigurePool(pool => pool.CacheType = Cache);
            builder.UseBackend((rows, outputs) => Extend(backend?.Invoke(rows, outputs) ?? new CpuBackend(rows, outputs, threads: 1)));
            if (Layers is not null)
            {
                builder.UseLayers(Layers);
            }

            configure(builder);
        },
        chunkLimit, reading: reading, overlaps: overlaps, order: order);

    private static Func<DecoderDescription, DecoderDescription> Windows(string model) =>
        description => WindowModel.WithWindows(description, WindowModel.Models[model]);
}
