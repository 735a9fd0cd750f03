using SLoRA.Formats;
using SLoRA.Formats.Gguf;
using SLoRA.Formats.HuggingFace;
using SLoRA.Models.Blocks;
using SLoRA.Models.Families;
using SLoRA.Step;

namespace SLoRA.Models;

/// <summary>A model in one GGUF file, or in the parts of one.</summary>
internal sealed class GgufSource : ModelSource
{
    private readonly GgufFiles _files;
    private readonly GgufConfig _config;

    private GgufSource(GgufFiles files)
    {
        _files = files;
        _config = GgufConfig.Read(files);
    }

    /// <summary>Opens the file.</summary>
    /// <exception cref="FormatError">It is broken, or asks for what is not served.</exception>
    public static GgufSource Read(string path, CancellationToken cancellation)
    {
        GgufFiles files = GgufFiles.Open(path, cancellation);
        try
        {
            return new GgufSource(files);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>What adapters in GGUF must know of a model, whatever files it came from.</summary>
    public static GgufBase BaseOf(DecoderDescription decoder) => new(
        GgufArchitectures.OfClass(decoder.Architecture, decoder.Layers.Any(layer => layer.Modules.Any(module => module is ExpertModule))),
        new HeadRows(decoder.Shape.Attentions.FirstOrDefault()?.HeadDim ?? 0));

    /// <inheritdoc/>
    public override DecoderDescription Describe()
    {
        DecoderDescription decoder = Apart(DecoderFamilies.Describe(_config.Root));
        float[]? factors = _config.ReadRopeFactors();
        return factors is null && _config.AttentionFactor == 1 ? decoder : Rotated(decoder, factors);
    }

    /// <inheritdoc/>
    public override GenerationDefaults ReadDefaults() => GenerationDefaults.EndOnly(_config.Root);

    /// <inheritdoc/>
    public override WeightStore OpenWeights(DecoderDescription decoder, CancellationToken cancellation) =>
        new GgufWeights(_files, _config, DecoderModules.Of(decoder).Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Shape));

    /// <inheritdoc/>
    public override void Dispose() => _files.Dispose();

    /// <summary>The same with a matrix for each expert and part: that is what experts in GGUF are given as.</summary>
    private static DecoderDescription Apart(DecoderDescription decoder)
    {
        return decoder with
        {
            Layers =
            [
                .. decoder.Layers.Select(layer => new LayerDescription(
                    [.. layer.Branches.Select(branch => branch.Block is ExpertsBlock experts
                        ? branch with { Block = experts with { GateUp = Each(experts.GateUp), Down = Each(experts.Down) } }
                        : branch)])),
            ],
        };

        static ExpertModule Each(ExpertModule module) => module with { Storage = ExpertStorage.PerExpert, StoredAs = null };
    }

    /// <summary>Divides the frequencies, and multiplies cosines and sines, of every rotation. Layers go on sharing theirs.</summary>
    private DecoderDescription Rotated(DecoderDescription decoder, float[]? factors)
    {
        var ropes = new Dictionary<RopeDescription, RopeDescription>(ReferenceEqualityComparer.Instance);
        return decoder with
        {
            Layers =
            [
                .. decoder.Layers.Select(layer => new LayerDescription(
                    [.. layer.Branches.Select(branch => branch.Block is AttentionBlock attention
                        ? branch with { Block = attention with { Rope = Changed(attention.Rope) } }
                        : branch)])),
            ],
        };

        RopeDescription Changed(RopeDescription rope)
        {
            if (rope.InverseFrequencies.IsEmpty)
            {
                return rope;
            }

            if (!ropes.TryGetValue(rope, out RopeDescription? changed))
            {
                changed = rope with
                {
                    InverseFrequencies = factors is null
                        ? rope.InverseFrequencies
                        : [.. rope.InverseFrequencies.Select((frequency, i) => frequency / factors[i])],
                    AttentionFactor = rope.AttentionFactor * _config.AttentionFactor,
                };
                ropes.Add(rope, changed);
            }

            return changed;
        }
    }
}
