using SLoRA.Formats;
using SLoRA.Formats.HuggingFace;
using SLoRA.Models.Blocks;
using SLoRA.Models.Families;

namespace SLoRA.Models;

/// <summary>A model in a folder of Hugging Face.</summary>
/// <param name="folder">The folder, with its configuration.</param>
internal sealed class FolderSource(ModelFolder folder) : ModelSource
{
    /// <inheritdoc/>
    public override DecoderDescription Describe() => DecoderFamilies.Describe(folder.Config);

    /// <inheritdoc/>
    public override GenerationDefaults ReadDefaults() => folder.ReadGenerationDefaults();

    /// <inheritdoc/>
    public override WeightStore OpenWeights(DecoderDescription decoder, CancellationToken cancellation) =>
        new CheckpointWeights(
            Checkpoint.Open(folder.ReadIndex(), cancellation, decoder.IsTextPart ? TextParts.NameOf : null));
}
