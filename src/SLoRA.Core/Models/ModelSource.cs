using SLoRA.Formats;
using SLoRA.Formats.Gguf;
using SLoRA.Formats.HuggingFace;
using SLoRA.Models.Blocks;

namespace SLoRA.Models;

/// <summary>
/// What a base model is opened from: a folder of Hugging Face, or a GGUF file. Each question costs more than the one before it: nothing is
/// paid for a model that an earlier one refuses.
/// </summary>
internal abstract class ModelSource : IDisposable
{
    /// <summary>Opens what lies under a path: a folder, a GGUF file, or a folder with one GGUF model and no configuration.</summary>
    /// <exception cref="FormatError">It is neither, or broken.</exception>
    public static ModelSource Open(string path, CancellationToken cancellation)
    {
        if (path.EndsWith(GgufFiles.Ending, StringComparison.OrdinalIgnoreCase) && File.Exists(path))
        {
            return GgufSource.Read(path, cancellation);
        }

        return Directory.Exists(path) && !File.Exists(Path.Combine(path, ModelFolder.ConfigFile)) && GgufFiles.Find(path) is { } gguf
            ? GgufSource.Read(gguf, cancellation)
            : new FolderSource(ModelFolder.Open(path));
    }

    /// <summary>Which function the model computes.</summary>
    public abstract DecoderDescription Describe();

    /// <summary>What its authors say about generating with it.</summary>
    public abstract GenerationDefaults ReadDefaults();

    /// <summary>The file that says how weights are to be read, where the weights' own files do not.</summary>
    public virtual string? Configuration => null;

    /// <summary>Its weights; the caller disposes of them, and of this no more.</summary>
    /// <param name="decoder">The decoder that they are for.</param>
    /// <param name="cancellation">Looked at between files.</param>
    public abstract WeightStore OpenWeights(DecoderDescription decoder, CancellationToken cancellation);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}
