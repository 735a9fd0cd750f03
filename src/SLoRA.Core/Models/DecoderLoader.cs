using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models;

/// <summary>Puts the weights of a checkpoint on a backend, block by block.</summary>
internal static class DecoderLoader
{
    /// <summary>Loads every weight.</summary>
    /// <param name="decoder">The decoder; the checkpoint has been checked against it.</param>
    /// <param name="modules">Its modules.</param>
    /// <param name="source">Tensor name → its bytes.</param>
    /// <param name="backend">Where the weights go.</param>
    /// <param name="loaded">Called after each weight, for progress; may throw to cancel.</param>
    public static LoadedDecoder Load(
        DecoderDescription decoder, DecoderModules modules, Func<string, WeightSource> source, IBackend backend,
        Action<WeightSource> loaded)
    {
        ImmutableDictionary<string, int> targets =
            modules.Targets.AddRange(modules.Norms).ToImmutableDictionary(target => target.Name, target => target.Index);
        var loader = new ModuleLoader(backend, source, targets, loaded);
        LoadedPerLayerInputs? inputs = decoder.PerLayerInputs is { } described ? loader.PerLayerInputs(decoder.Body, described) : null;
        var branches = ImmutableArray.CreateBuilder<LoadedBranch>();
        int cacheLayers = 0;
        int states = 0;
        for (int layer = 0; layer < decoder.Layers.Length; layer++)
        {
            string prefix = decoder.Prefix(layer);
            foreach (Branch branch in decoder.Layers[layer].Branches)
            {
                LoadedNorm? norm = Norm(branch.Norm);
                KeptState kept = branch.Block.Keeps;
                int? cacheLayer = kept.PerToken is null ? null : cacheLayers++;
                int? firstState = kept.PerSequence.IsEmpty ? null : states;
                states += kept.PerSequence.Length;
                RunningBlock block = Load(branch.Block, new BlockLoader(loader, branch.Block, prefix, cacheLayer, firstState));
                float factor = branch.FactorBehind is { } number ? loader.Number(prefix + number.Name) : 1;
                branches.Add(new LoadedBranch(norm, block, Norm(branch.NormBehind), branch.Multiplier, factor));
            }

            LoadedNorm? Norm(NormModule? module) => module is null ? null : loader.Norm(prefix + module.Name, module);
        }

        return new LoadedDecoder
        {
            Branches = branches.ToImmutable(),
            PerLayerInputs = inputs,
            Embedding = loader.Table(decoder.Embedding.Name, decoder.Embedding),
            EmbeddingTarget = targets[decoder.Embedding.Name],
            FinalNorm = loader.Norm(decoder.Body + decoder.FinalNorm.Name, decoder.FinalNorm),
            Head = LinearGroup.Of(
                [loader.Linear(decoder.Head.Name, decoder.Head, decoder.HeadWeight.Name, givesLogits: true)], decoder.Head.Partition),
        };
    }

    private static RunningBlock Load(Block block, BlockLoader loader)
    {
        try
        {
            RunningBlock running = block.Load(loader);
            loader.Complete();
            return running;
        }
        catch (FormatError error)
        {
            // What only reading the weights can tell.
            throw new ModelLoadException(error);
        }
    }
}

/// <summary>A decoder's weights on its device.</summary>
internal sealed record LoadedDecoder
{
    /// <summary>Token embeddings.</summary>
    public required DeviceTable Embedding { get; init; }

    /// <summary>Target index of the embedding.</summary>
    public required int EmbeddingTarget { get; init; }

    /// <summary>The branches of all layers, first to last.</summary>
    public required ImmutableArray<LoadedBranch> Branches { get; init; }

    /// <summary>Inputs of their own for every layer; null for none.</summary>
    public LoadedPerLayerInputs? PerLayerInputs { get; init; }

    /// <summary>The norm before the head.</summary>
    public required LoadedNorm FinalNorm { get; init; }

    /// <summary>Hidden state → logits.</summary>
    public required LinearGroup Head { get; init; }
}
