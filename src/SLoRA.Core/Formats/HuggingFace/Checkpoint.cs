using System.Collections.Frozen;
using System.Collections.Immutable;
using SLoRA.Errors;

namespace SLoRA.Formats.HuggingFace;

/// <summary>
/// The tensors of a model's safetensors files. Opening reads and checks all headers against the index; <see cref="Map"/>, or reading and
/// <see cref="Release"/>, come second, so that whoever knows the model can refuse it before any weight is touched.
/// </summary>
/// <remarks>
/// Whoever cuts a mapped file short while the model is in use kills the process. That is why only the base model, which the host program
/// owns, may be mapped.
/// </remarks>
internal sealed class Checkpoint : IDisposable
{
    private readonly FrozenDictionary<string, WeightFile> _shardOf;
    private readonly ImmutableArray<WeightFile> _shards;

    private Checkpoint(
        string file, ImmutableArray<WeightFile> shards, FrozenDictionary<string, TensorEntry> tensors,
        FrozenDictionary<string, WeightFile> shardOf)
    {
        File = file;
        _shards = shards;
        Tensors = tensors;
        _shardOf = shardOf;
    }

    /// <summary>Tensors of the files that were left out.</summary>
    public int LeftOut { get; private init; }

    /// <summary>The path that errors about the set of tensors name: the index, or the only tensor file.</summary>
    public string File { get; }

    /// <summary>All tensors by the names that they have here. Offsets are those within the tensor's own file.</summary>
    public FrozenDictionary<string, TensorEntry> Tensors { get; }

    /// <summary>All tensor files.</summary>
    public ImmutableArray<WeightFile> Files => _shards;

    /// <summary>Opens the tensor files and checks their headers.</summary>
    /// <param name="index">The files.</param>
    /// <param name="cancellation">Looked at between files.</param>
    /// <param name="nameOf">Stored name → the name that a tensor has from here on, or null to leave it out; null for the stored
    /// ones.</param>
    /// <exception cref="FormatError">A file is not what the format says, or index and files disagree.</exception>
    public static Checkpoint Open(CheckpointIndex index, CancellationToken cancellation, Func<string, string?>? nameOf = null)
    {
        var shards = ImmutableArray.CreateBuilder<WeightFile>(index.Shards.Length);
        try
        {
            var tensors = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
            var shardOf = new Dictionary<string, WeightFile>(StringComparer.Ordinal);
            foreach (string path in index.Shards)
            {
                cancellation.ThrowIfCancellationRequested();
                var shard = WeightFile.Open(path, stream => SafetensorsHeader.Read(stream, path), out SafetensorsHeader header);
                shards.Add(shard);
                foreach (TensorEntry tensor in header.Tensors)
                {
                    if (!tensors.TryAdd(tensor.Name, tensor))
                    {
                        throw new FormatError(LoadErrorKind.Tensor, path, tensor.Name,
                            $"is also in {Shown.Name(Path.GetFileName(shardOf[tensor.Name].Path))}");
                    }

                    shardOf.Add(tensor.Name, shard);
                }
            }

            CheckIndex(index, shardOf);
            int stored = tensors.Count;
            if (nameOf is not null)
            {
                (tensors, shardOf) = (Renamed(tensors, nameOf, shardOf), Renamed(shardOf, nameOf, shardOf));
            }

            return new Checkpoint(
                index.File, shards.DrainToImmutable(), tensors.ToFrozenDictionary(StringComparer.Ordinal),
                shardOf.ToFrozenDictionary(StringComparer.Ordinal))
            {
                LeftOut = stored - tensors.Count,
            };
        }
        catch
        {
            foreach (WeightFile shard in shards)
            {
                shard.Dispose();
            }

            throw;
        }
    }

    /// <summary>Whether <see cref="Map"/> has been called.</summary>
    public bool IsMapped { get; private set; }

    /// <summary>A tensor as a weight, by the name that it has here.</summary>
    public StoredWeight Weight(string name, TensorEntry tensor) =>
        new(name, FormatOf(tensor.Type), tensor.Type.ToString(), tensor.Shape, FileOf(name), tensor.Name);

    private static WeightFormat? FormatOf(TensorType type) => type == TensorType.U8 ? WeightFormat.Bytes : WeightFormat.Of(type);

    /// <summary>The path of the file that a tensor is in.</summary>
    public string FileOf(string tensor) => _shardOf[tensor].Path;

    /// <summary>
    /// Reads every file through once, which brings it into the system's cache and finds what cannot be read, and maps it.
    /// </summary>
    /// <exception cref="FormatError">A file cannot be read, or is shorter than when its header was read.</exception>
    public void Map(IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        WeightFile.MapAll(_shards, progress, cancellation);
        IsMapped = true;
    }

    /// <summary>The address of a tensor's first byte; valid until <see cref="Dispose"/>. Its alignment is that of a byte.</summary>
    public nint Address(string tensor) => _shardOf[tensor].Address + (nint)Tensors[tensor].Begin;

    /// <summary>Reads a part of a tensor. Any thread.</summary>
    /// <param name="tensor">Its name.</param>
    /// <param name="offset">Bytes from its start.</param>
    /// <param name="destination">Filled to its end.</param>
    /// <exception cref="FormatError">The file cannot be read, or has changed since it was opened.</exception>
    public void Read(string tensor, long offset, Span<byte> destination) =>
        _shardOf[tensor].Read(Tensors[tensor].Begin + offset, destination);

    /// <summary>Closes the files, unless they are mapped. What is read afterwards opens them for that moment.</summary>
    public void Release()
    {
        foreach (WeightFile shard in _shards)
        {
            shard.Release();
        }
    }

    /// <summary>Unmaps and closes the files. All addresses become invalid.</summary>
    public void Dispose()
    {
        foreach (WeightFile shard in _shards)
        {
            shard.Dispose();
        }
    }

    private static Dictionary<string, T> Renamed<T>(
        Dictionary<string, T> items, Func<string, string?> nameOf, Dictionary<string, WeightFile> shardOf)
    {
        var renamed = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach ((string stored, T item) in items)
        {
            if (nameOf(stored) is { } name && !renamed.TryAdd(name, item))
            {
                throw new FormatError(LoadErrorKind.Tensor, shardOf[stored].Path, stored, $"is there twice, also as {Shown.Name(name)}");
            }
        }

        return renamed;
    }

    private static void CheckIndex(CheckpointIndex index, Dictionary<string, WeightFile> shardOf)
    {
        if (index.ShardOf is null)
        {
            return;
        }

        foreach ((string tensor, string path) in index.ShardOf)
        {
            if (!shardOf.TryGetValue(tensor, out WeightFile? shard))
            {
                throw new FormatError(
                    LoadErrorKind.Tensor, index.File, tensor, $"is not in {Shown.Name(Path.GetFileName(path))}, where the index places it");
            }

            if (shard.Path != path)
            {
                throw new FormatError(LoadErrorKind.Tensor, index.File, tensor,
                    $"is in {Shown.Name(Path.GetFileName(shard.Path))}, the index places it in {Shown.Name(Path.GetFileName(path))}");
            }
        }

        foreach ((string tensor, WeightFile shard) in shardOf)
        {
            if (!index.ShardOf.ContainsKey(tensor))
            {
                throw new FormatError(
                    LoadErrorKind.Tensor, index.File, tensor, $"is in {Shown.Name(Path.GetFileName(shard.Path))}, but not in the index");
            }
        }
    }
}
