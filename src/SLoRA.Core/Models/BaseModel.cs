using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Formats.HuggingFace;
using SLoRA.Models.Families;

namespace SLoRA.Models;

/// <summary>A base model on disk, checked and mapped: its description, its weights, and what its authors say about generating with it.</summary>
internal sealed class BaseModel : IDisposable
{
    private readonly Checkpoint _checkpoint;

    private BaseModel(string folder, DecoderDescription decoder, GenerationDefaults defaults, Checkpoint checkpoint)
    {
        FolderPath = folder;
        Decoder = decoder;
        Defaults = defaults;
        Targets = TargetModule.Of(decoder);
        _checkpoint = checkpoint;
    }

    /// <summary>The folder, as it was given.</summary>
    public string FolderPath { get; }

    /// <summary>The decoder. Its end-of-sequence tokens are those of generation_config.json, where that file names any.</summary>
    public DecoderDescription Decoder { get; }

    /// <summary>Defaults for generation.</summary>
    public GenerationDefaults Defaults { get; }

    /// <summary>The modules that adapters can target, by index.</summary>
    public ImmutableArray<TargetModule> Targets { get; }

    /// <summary>Bytes of the tensor files.</summary>
    public long FileBytes => _checkpoint.FileBytes;

    /// <summary>
    /// Opens a Hugging Face folder. Cheap checks come first: configuration, then headers, then names and shapes, and only then are weights read.
    /// Blocks while the files are read through; call it off the threads that must not wait.
    /// </summary>
    /// <param name="folder">The folder of config.json.</param>
    /// <param name="progress">Told how much of the weights has been read, on the calling thread.</param>
    /// <param name="cancellation">Looked at between blocks of a few megabytes.</param>
    /// <exception cref="ModelLoadException">The model is broken or not served.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public static BaseModel Open(string folder, IProgress<LoadProgress>? progress = null, CancellationToken cancellation = default)
    {
        Checkpoint? checkpoint = null;
        try
        {
            cancellation.ThrowIfCancellationRequested();
            ModelFolder files = ModelFolder.Open(folder);
            DecoderDescription decoder = DecoderFamilies.Describe(files.Config);
            GenerationDefaults defaults = files.ReadGenerationDefaults();
            checkpoint = Checkpoint.Open(files.ReadIndex(), cancellation);
            TensorCatalog.Check(decoder, checkpoint);
            checkpoint.Map(progress, cancellation);
            TensorCatalog.CheckTiedHead(decoder, checkpoint, cancellation);
            return new BaseModel(folder, decoder with { EndOfSequence = defaults.EndOfSequence }, defaults, checkpoint);
        }
        catch (FormatError error)
        {
            checkpoint?.Dispose();
            throw new ModelLoadException(error);
        }
        catch
        {
            checkpoint?.Dispose();
            throw;
        }
    }

    /// <summary>One weight, by its name in the checkpoint; the memory stays valid until <see cref="Dispose"/>.</summary>
    public WeightSource Weight(string name)
    {
        TensorEntry tensor = _checkpoint.Tensors[name];
        return tensor.Shape is [long rows, long columns]
            ? new WeightSource(name, tensor.Type, _checkpoint.Address(name), (int)rows, (int)columns)
            : new WeightSource(name, tensor.Type, _checkpoint.Address(name), 1, (int)tensor.ElementCount);
    }

    /// <summary>The weight of a module that adapters can target; with tied embeddings the head's is the embedding's.</summary>
    public WeightSource WeightOf(TargetModule module) =>
        Weight((module.Kind == TargetKind.Head && Decoder.TiedEmbeddings ? ModuleNames.Embedding : module.Name) + ".weight");

    /// <summary>Unmaps the files. Nothing may use the weights any more.</summary>
    public void Dispose() => _checkpoint.Dispose();
}
