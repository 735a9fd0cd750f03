using System.Collections.Immutable;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Models.Blocks;
using SLoRA.Models.Blocks;
using SLoRA.Scheduling;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// The fixture <c>core-llama-gqa</c> with a block before the attention of its first two layers that keeps states of a sequence: 17.5 KiB,
/// which lie in two pages of 12 KiB, as many as 32 tokens.
/// </summary>
internal static class StateModel
{
    /// <summary>Pages of a sequence's states.</summary>
    public const int StatePages = 2;

    /// <summary>Bytes of a page, of 16 tokens.</summary>
    public const long PageBytes = 12288;

    /// <summary>An engine that serves it on the Reference backend, or on the Cpu.</summary>
    public static SteppedEngine Engine(
        Action<LoraServingEngineBuilder>? configure = null, Func<int>? chunkLimit = null, IEnumerable<string>? adapters = null,
        bool overlaps = false, bool onCpu = false, IQueueOrder? order = null) => new(
        builder =>
        {
            builder.UseLayers(WithStates);
            builder.UseBackend((rows, outputs) =>
                new StateBackend(onCpu ? new CpuBackend(rows, outputs, threads: 1) : new ReferenceBackend(rows, outputs)));
            configure?.Invoke(builder);
        },
        chunkLimit,
        adapters,
        overlaps: overlaps,
        order: order);

    /// <summary>The blocks that keep states before the attention of a model's first two layers.</summary>
    public static DecoderDescription WithStates(DecoderDescription model)
    {
        ImmutableArray<LayerDescription> layers = model.Layers;
        layers = layers.SetItem(0, Before(layers[0], parts: 20, partAverages: 3));
        return model with { Layers = layers.SetItem(1, Before(layers[1], parts: 1, partAverages: 6)) };

        LayerDescription Before(LayerDescription layer, int parts, int partAverages) => new(
        [
            new Branch(
                layer.Branches[0].Norm,
                new AverageBlock { HiddenSize = model.HiddenSize, Parts = parts, PartAverages = partAverages }),
            .. layer.Branches,
        ]);
    }
}
