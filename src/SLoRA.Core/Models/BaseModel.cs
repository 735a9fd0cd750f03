using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Formats.Gguf;
using SLoRA.Formats.HuggingFace;
using SLoRA.Models.Blocks;
using SLoRA.Native;

namespace SLoRA.Models;

/// <summary>
/// A base model on disk, checked, and mapped or ready to be read: its description, its weights, and what its authors say about generating
/// with it.
/// </summary>
internal sealed class BaseModel : IDisposable
{
    private const int BlockBytes = 4 << 20;

    private readonly WeightStore _weights;
    private readonly WeightBuffer _buffer = new();
    private readonly string? _configuration;
    private ModelAccess _access = ModelAccess.Read;
    private int _asked;

    private BaseModel(
        string folder, DecoderDescription decoder, GenerationDefaults defaults, WeightStore weights, string? configuration)
    {
        _configuration = configuration;
        FolderPath = folder;
        Decoder = decoder;
        Defaults = defaults;
        Modules = DecoderModules.Of(decoder);
        _weights = weights;
    }

    /// <summary>The folder, as it was given.</summary>
    public string FolderPath { get; }

    /// <summary>The decoder. Its end-of-sequence tokens are those of generation_config.json, where that file names any.</summary>
    public DecoderDescription Decoder { get; }

    /// <summary>Defaults for generation.</summary>
    public GenerationDefaults Defaults { get; }

    /// <summary>Its modules.</summary>
    public DecoderModules Modules { get; }

    /// <summary>Tensors of the checkpoint that are of other parts than the language model, and are not used.</summary>
    public int LeftOut => _weights.LeftOut;

    /// <summary>Bytes of the tensor files.</summary>
    public long FileBytes => _weights.FileBytes;

    /// <summary>
    /// Opens a Hugging Face folder or a GGUF file, and <see cref="Prepare"/>s it. Blocks while the files are read through; call it off the
    /// threads that must not wait.
    /// </summary>
    /// <param name="folder">The folder of config.json, or a GGUF file or its folder.</param>
    /// <param name="progress">Told how much of the weights has been read, on the calling thread.</param>
    /// <param name="cancellation">Looked at between blocks of a few megabytes.</param>
    /// <param name="access">Whether the files are mapped now, or each weight is read when it is asked for.</param>
    /// <exception cref="ModelLoadException">The model is broken or not served.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public static BaseModel Open(string folder, IProgress<LoadProgress>? progress = null, CancellationToken cancellation = default,
        ModelAccess access = ModelAccess.Map)
    {
        BaseModel model = OpenHeaders(folder, cancellation);
        try
        {
            model.Prepare(access, progress, cancellation);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Opens a Hugging Face folder or a GGUF file and checks what is cheap: configuration, headers, names and shapes.</summary>
    /// <inheritdoc cref="Open" path="/param|/exception"/>
    public static BaseModel OpenHeaders(string folder, CancellationToken cancellation = default)
    {
        ModelSource? source = null;
        WeightStore? weights = null;
        try
        {
            cancellation.ThrowIfCancellationRequested();
            source = ModelSource.Open(folder, cancellation);
            DecoderDescription decoder = source.Describe();
            GenerationDefaults defaults = source.ReadDefaults();
            weights = source.OpenWeights(decoder, cancellation);
            decoder = decoder.AsStored(weights.Weights.ContainsKey);
            TensorCatalog.Check(decoder, weights);
            bool namesEnd = !defaults.EndOfSequence.IsEmpty || !decoder.IsTextPart;
            return new BaseModel(
                folder, decoder with { EndOfSequence = namesEnd ? defaults.EndOfSequence : decoder.EndOfSequence }, defaults, weights,
                source.Configuration);
        }
        catch (FormatError error)
        {
            source?.Dispose();
            weights?.Dispose();
            throw new ModelLoadException(error);
        }
        catch
        {
            source?.Dispose();
            weights?.Dispose();
            throw;
        }
    }

    /// <summary>Maps the files, if that is asked for, and checks what only the weights themselves can tell.</summary>
    /// <inheritdoc cref="Open" path="/param|/exception"/>
    public void Prepare(ModelAccess access, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        try
        {
            if (access == ModelAccess.Map)
            {
                _weights.Map(progress, cancellation);
            }

            _access = access;
            TensorCatalog.CheckTiedHead(Decoder, _weights, cancellation);
        }
        catch (FormatError error)
        {
            throw new ModelLoadException(error);
        }
    }

    /// <summary>The files of its weights, for a device that keeps what it makes of them.</summary>
    /// <param name="access">Whether files may be mapped.</param>
    /// <param name="cancellation">Looked at while they are read.</param>
    public ModelFiles FilesFor(ModelAccess access, CancellationToken cancellation)
    {
        string file = Path.GetFileName(_weights.File);
        return new ModelFiles(
            Path.GetDirectoryName(Path.GetFullPath(_weights.File))!,
            file.EndsWith(GgufFiles.Ending, StringComparison.OrdinalIgnoreCase) ? file[..^GgufFiles.Ending.Length] : "model",
            access, Key);

        ImmutableArray<byte> Key(bool readsAll)
        {
            try
            {
                return ModelKey.Of(_configuration, _weights.Files, readsAll, cancellation);
            }
            catch (FormatError error)
            {
                throw new ModelLoadException(error);
            }
        }
    }

    /// <summary>How a weight is stored, by its name in the checkpoint.</summary>
    public WeightFormat FormatOf(string name) => _weights.Weights[name].Served;

    /// <summary>
    /// One weight, by its name in the checkpoint. Where the files are mapped and have it as it is, its memory stays valid until
    /// <see cref="Dispose"/>; otherwise it is read when it is looked at, and stays until the next weight is asked for.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="takes">The format in which it is wanted: its own, or fp32, to which it is widened. Null for its own.</param>
    /// <param name="cancellation">Looked at between blocks of a few megabytes.</param>
    /// <exception cref="ModelLoadException">The file can no longer be read, or holds what is no value.</exception>
    public unsafe WeightSource Weight(
        string name, Func<WeightFormat, WeightFormat>? takes = null, CancellationToken cancellation = default)
    {
        StoredWeight weight = _weights.Weights[name];
        int columns = checked((int)weight.Columns), rows = weight.Shape.Length < 2 ? 1 : checked((int)(weight.ElementCount / columns));
        int asked = ++_asked;
        WeightFormat format = takes?.Invoke(weight.Served) ?? weight.Served;
        if (format != weight.Served)
        {
            return new WeightSource(name, format, () => Read(weight, asked, Widened, cancellation), rows, columns)
            {
                WidenedFrom = weight.Served,
            };
        }

        if (_weights.AddressOf(weight) is not { } address)
        {
            return new WeightSource(name, weight.Served, () => Read(weight, asked, Read, cancellation), rows, columns);
        }

        try
        {
            Each(weight, cancellation, (offset, bytes) =>
                _weights.CheckValues(weight, new ReadOnlySpan<byte>((byte*)address + offset, bytes), offset));
        }
        catch (FormatError error)
        {
            throw new ModelLoadException(error);
        }

        return new WeightSource(name, weight.Served, address, rows, columns);
    }

    /// <summary>
    /// A weight has been loaded: pages of a mapping that were looked at for it count as memory of the process no longer.
    /// </summary>
    public static unsafe void Leave(WeightSource weight)
    {
        if (weight.Stays)
        {
            MappedMemory.Leave((byte*)weight.Data, weight.Bytes);
        }
    }

    /// <summary>The stored weight of a module that adapters can target; with tied embeddings the head's is the embedding's.</summary>
    public BaseWeight WeightOf(TargetModule module) => Stored(module.WeightName);

    /// <summary>The stored bias of a module that has one.</summary>
    public BaseWeight BiasOf(TargetModule module) => Stored(module.BiasName);

    private BaseWeight Stored(string name)
    {
        StoredWeight weight = _weights.Weights[name];
        return new BaseWeight(
            weight.Served, weight.ElementCount, (offset, destination) => _weights.Read(weight, offset, destination),
            IsInMemory: _access == ModelAccess.Map);
    }

    /// <summary>Backends have all weights that they need: memory and files are let go, unless the files are mapped.</summary>
    public void Release()
    {
        _buffer.Dispose();
        _weights.Release();
    }

    /// <summary>Lets everything go. Nothing may use the weights any more.</summary>
    public void Dispose()
    {
        _buffer.Dispose();
        _weights.Dispose();
    }

    /// <summary>Reads a weight, unless another has been asked for since: there is one buffer.</summary>
    private nint Read(StoredWeight weight, int asked, Func<StoredWeight, CancellationToken, nint> read, CancellationToken cancellation)
    {
        if (asked != _asked)
        {
            throw new InvalidOperationException($"{weight.Name} is looked at after the next weight has been asked for.");
        }

        try
        {
            return read(weight, cancellation);
        }
        catch (FormatError error)
        {
            throw new ModelLoadException(error);
        }
    }

    private unsafe nint Read(StoredWeight weight, CancellationToken cancellation)
    {
        byte* memory = _buffer.Take(weight.Bytes);
        Each(weight, cancellation, (offset, bytes) =>
        {
            var piece = new Span<byte>(memory + offset, bytes);
            _weights.Read(weight, offset, piece);
            _weights.CheckValues(weight, piece, offset);
        });
        return (nint)memory;
    }

    private unsafe nint Widened(StoredWeight weight, CancellationToken cancellation)
    {
        float* memory = (float*)_buffer.Take(weight.ElementCount * sizeof(float));
        byte[] blocks = new byte[0];
        Each(weight, cancellation, (offset, bytes) =>
        {
            Array.Resize(ref blocks, Math.Max(blocks.Length, bytes));
            Span<byte> piece = blocks.AsSpan(0, bytes);
            _weights.Read(weight, offset, piece);
            _weights.CheckValues(weight, piece, offset);
            WeightFormat format = weight.Served;
            var values = new Span<float>(
                memory + (offset / format.BlockBytes * format.BlockElements), bytes / format.BlockBytes * format.BlockElements);
            format.Widen(piece, values);
        });
        return (nint)memory;
    }

    /// <summary>Goes through a weight in pieces of whole rows, of a few megabytes where rows are not longer.</summary>
    private static void Each(StoredWeight weight, CancellationToken cancellation, Action<long, int> piece)
    {
        long row = Math.Max(1, weight.Served.BytesOf(weight.Columns)), step = Math.Max(1, BlockBytes / row) * row;
        for (long offset = 0; offset < weight.Bytes; offset += step)
        {
            cancellation.ThrowIfCancellationRequested();
            piece(offset, (int)Math.Min(step, weight.Bytes - offset));
        }
    }
}
