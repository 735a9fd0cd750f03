using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Formats.HuggingFace;
using SLoRA.Models.Blocks;
using SLoRA.Models.Families;

namespace SLoRA.Models;

/// <summary>
/// A base model on disk, checked, and mapped or ready to be read: its description, its weights, and what its authors say about generating
/// with it.
/// </summary>
internal sealed class BaseModel : IDisposable
{
    private const int BlockBytes = 4 << 20;

    private readonly Checkpoint _checkpoint;
    private readonly ModelAccess _access;
    private readonly WeightBuffer _buffer = new();

    private BaseModel(string folder, DecoderDescription decoder, GenerationDefaults defaults, Checkpoint checkpoint, ModelAccess access)
    {
        FolderPath = folder;
        Decoder = decoder;
        Defaults = defaults;
        Modules = DecoderModules.Of(decoder);
        _checkpoint = checkpoint;
        _access = access;
    }

    /// <summary>The folder, as it was given.</summary>
    public string FolderPath { get; }

    /// <summary>The decoder. Its end-of-sequence tokens are those of generation_config.json, where that file names any.</summary>
    public DecoderDescription Decoder { get; }

    /// <summary>Defaults for generation.</summary>
    public GenerationDefaults Defaults { get; }

    /// <summary>Its modules.</summary>
    public DecoderModules Modules { get; }

    /// <summary>Bytes of the tensor files.</summary>
    public long FileBytes => _checkpoint.FileBytes;

    /// <summary>
    /// Opens a Hugging Face folder. Cheap checks come first: configuration, then headers, then names and shapes, and only then are weights
    /// read. Blocks while the files are read through; call it off the threads that must not wait.
    /// </summary>
    /// <param name="folder">The folder of config.json.</param>
    /// <param name="progress">Told how much of the weights has been read, on the calling thread.</param>
    /// <param name="cancellation">Looked at between blocks of a few megabytes.</param>
    /// <param name="access">Whether the files are mapped now, or each weight is read when it is asked for.</param>
    /// <exception cref="ModelLoadException">The model is broken or not served.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public static BaseModel Open(string folder, IProgress<LoadProgress>? progress = null, CancellationToken cancellation = default,
        ModelAccess access = ModelAccess.Map)
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
            if (access == ModelAccess.Map)
            {
                checkpoint.Map(progress, cancellation);
            }

            TensorCatalog.CheckTiedHead(decoder, checkpoint, cancellation);
            return new BaseModel(folder, decoder with { EndOfSequence = defaults.EndOfSequence }, defaults, checkpoint, access);
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

    /// <summary>How a weight is stored, by its name in the checkpoint.</summary>
    public WeightFormat FormatOf(string name) => Format(Tensor(name));

    /// <summary>
    /// One weight, by its name in the checkpoint. Where the files are mapped, its memory stays valid until <see cref="Dispose"/>; where
    /// they are read, it is read now, and stays until the next weight is asked for.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellation">Looked at between blocks of a few megabytes.</param>
    /// <exception cref="ModelLoadException">The file can no longer be read.</exception>
    public unsafe WeightSource Weight(string name, CancellationToken cancellation = default)
    {
        TensorEntry tensor = Tensor(name);
        (int rows, int columns) = tensor.Shape is [long first, long second] ? ((int)first, (int)second) : (1, (int)tensor.ElementCount);
        if (_access == ModelAccess.Map)
        {
            return new WeightSource(name, Format(tensor), _checkpoint.Address(name), rows, columns);
        }

        byte* memory = _buffer.Take(tensor.Length);
        try
        {
            for (long offset = 0; offset < tensor.Length; offset += BlockBytes)
            {
                cancellation.ThrowIfCancellationRequested();
                _checkpoint.Read(name, offset, new Span<byte>(memory + offset, (int)Math.Min(BlockBytes, tensor.Length - offset)));
            }
        }
        catch (FormatError error)
        {
            throw new ModelLoadException(error);
        }

        return new WeightSource(name, Format(tensor), (nint)memory, rows, columns) { Stays = false };
    }

    /// <summary>The stored weight of a module that adapters can target; with tied embeddings the head's is the embedding's.</summary>
    public BaseWeight WeightOf(TargetModule module) => Stored(module.WeightName);

    /// <summary>The stored bias of a module that has one.</summary>
    public BaseWeight BiasOf(TargetModule module) => Stored(module.BiasName);

    private BaseWeight Stored(string name)
    {
        TensorEntry tensor = Tensor(name);
        return new BaseWeight(
            Format(tensor), tensor.ElementCount, (offset, destination) => _checkpoint.Read(tensor.Name, offset, destination),
            IsInMemory: _access == ModelAccess.Map);
    }

    /// <summary>Backends have all weights that they need: memory and files are let go, unless the files are mapped.</summary>
    public void Release()
    {
        _buffer.Dispose();
        _checkpoint.Release();
    }

    /// <summary>Lets everything go. Nothing may use the weights any more.</summary>
    public void Dispose()
    {
        _buffer.Dispose();
        _checkpoint.Dispose();
    }

    private TensorEntry Tensor(string name) => _checkpoint.Tensors[name];

    // The catalogue has refused every other type.
    private static WeightFormat Format(TensorEntry tensor) => WeightFormat.Of(tensor.Type) ?? throw UnservedType.Error(tensor.Type);
}
