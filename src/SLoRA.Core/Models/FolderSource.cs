using SLoRA.Formats;
using SLoRA.Formats.HuggingFace;
using SLoRA.Formats.Quantization;
using SLoRA.Models.Blocks;
using SLoRA.Models.Families;

namespace SLoRA.Models;

/// <summary>A model in a folder of Hugging Face.</summary>
/// <param name="folder">The folder, with its configuration.</param>
internal sealed class FolderSource(ModelFolder folder) : ModelSource
{
    private QuantizationScheme? _scheme;

    /// <inheritdoc/>
    public override string? Configuration => folder.PathOf(ModelFolder.ConfigFile);

    /// <inheritdoc/>
    public override DecoderDescription Describe()
    {
        DecoderDescription decoder = DecoderFamilies.Describe(folder.Config);
        _scheme = QuantizationScheme.Read(folder.Config);
        return decoder;
    }

    /// <inheritdoc/>
    public override GenerationDefaults ReadDefaults() => folder.ReadGenerationDefaults();

    /// <inheritdoc/>
    public override WeightStore OpenWeights(DecoderDescription decoder, CancellationToken cancellation)
    {
        var checkpoint = Checkpoint.Open(folder.ReadIndex(), cancellation, decoder.IsTextPart ? TextParts.NameOf : null);
        try
        {
            if (_scheme is null)
            {
                return new CheckpointWeights(checkpoint);
            }

            var modules = DecoderModules.Of(decoder.AsStored(checkpoint.Tensors.ContainsKey));
            return new QuantizedWeights(
                checkpoint, _scheme, modules.Tensors.Select(tensor => (tensor.Name, tensor.Shape)),
                modules.Targets.Where(IsConverted).Select(target => target.Name).ToHashSet(StringComparer.Ordinal).Contains);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    // Embeddings and heads never are, and nobody quantizes what chooses experts, whether a list says so or not.
    private static bool IsConverted(TargetModule target) => target is { Kind: TargetKind.Linear, Layer: >= 0 }
        && target.Name[(target.Name.LastIndexOf('.') + 1)..] is not ("gate" or "router" or "shared_expert_gate");
}
