using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Reference;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Scheduling;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// The fixture <c>core-llama-gqa</c> whose three layers see the last positions only, or some of them. A page of tokens has 12 KiB where all
/// see the same, 4 KiB where there is a group for each layer.
/// </summary>
internal static class WindowModel
{
    /// <summary>What the layers see, by the name of the model.</summary>
    public static readonly ImmutableDictionary<string, ImmutableArray<Sight>> Models = new Dictionary<string, ImmutableArray<Sight>>
    {
        ["windows"] = [new(12), new(12), new(12)],
        ["chunks"] = [new(null, 20), new(null, 20), new(null, 20)],
        ["window beside whole"] = [new(10), default, new(10)],
        ["chunk beside window beside whole"] = [new(null, 24), new(7), default],
        ["two windows"] = [new(40), new(5), new(40)],
        ["wide windows"] = [new(60), new(60), new(60)],
        ["wide chunks beside whole"] = [new(null, 70), default, new(null, 70)],
    }.ToImmutableDictionary();

    /// <summary>Bytes of a page of 16 tokens.</summary>
    public static long PageBytes(string model) => Models[model].Distinct().Count() == 1 ? 12288 : 4096;

    /// <summary>An engine that serves it, on the Cpu unless something else is configured.</summary>
    /// <param name="model">Which of <see cref="Models"/>.</param>
    /// <param name="configure">What else.</param>
    /// <param name="chunkLimit">The most rows of a chunk.</param>
    /// <param name="adapters">Adapters of the fixture.</param>
    /// <param name="overlaps">Whether a step publishes while the next one computes.</param>
    /// <param name="keepsAll">Whether pages stay until their sequence ends, as if every layer saw everything.</param>
    /// <param name="onReference">Whether the Reference backend computes.</param>
    /// <param name="order">The order of the queue; null for first come, first served.</param>
    public static SteppedEngine Engine(
        string model, Action<LoraServingEngineBuilder>? configure = null, Func<int>? chunkLimit = null,
        IEnumerable<string>? adapters = null, bool overlaps = false, bool keepsAll = false, bool onReference = false,
        IQueueOrder? order = null) => new(
        builder =>
        {
            builder.UseLayers(description => WithWindows(description, Models[model]));
            builder.UseBackend((rows, outputs) =>
            {
                IBackend backend = onReference ? new ReferenceBackend(rows, outputs) : new CpuBackend(rows, outputs, threads: 1);
                return keepsAll ? new KeepingBackend(backend) : backend;
            });
            configure?.Invoke(builder);
        },
        chunkLimit,
        adapters,
        overlaps: overlaps,
        order: order);

    /// <summary>The same model with other sights.</summary>
    public static DecoderDescription WithWindows(DecoderDescription model, ImmutableArray<Sight> sights) => model with
    {
        Layers = [.. model.Layers.Select((layer, i) => new LayerDescription(
        [
            .. layer.Branches.Select(branch => branch.Block is AttentionBlock block
                ? branch with { Block = block with { Shape = block.Shape with { Window = sights[i].Window, Chunk = sights[i].Chunk } } }
                : branch),
        ]))],
    };

    /// <summary>Lays pages out as if every layer saw everything, so that none is given back early.</summary>
    private sealed class KeepingBackend(IBackend inner) : ForwardingBackend(inner)
    {
        public override KvLayout LayOut(ImmutableArray<KeptState> kept, TensorType type, int? pageTokens) => base.LayOut(
            [.. kept.Select(state => state with { PerToken = state.PerToken!.Value with { Sight = default } })], type, pageTokens);
    }
}
