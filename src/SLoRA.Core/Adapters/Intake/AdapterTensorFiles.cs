using System.Collections.Immutable;
using System.Text.Json;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Formats.Mlx;
using SLoRA.Formats.Peft;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// The tensors of an adapter's folder as one sequence of bytes: those of adapter_model.safetensors or, where that is missing, of the files
/// that its index names, one behind the other; where neither is there, those of MLX's adapters.safetensors. Nothing outside the folder is
/// ever opened.
/// </summary>
internal sealed class AdapterTensorFiles : IDisposable
{
    private const string IndexFile = PeftFolder.TensorFile + ".index.json";
    private const int MostFiles = 1024;

    private readonly ImmutableArray<(string Name, FileStream Stream, long Begin)> _files;

    private AdapterTensorFiles(ImmutableArray<(string Name, FileStream Stream, long Begin)> files) => _files = files;

    /// <summary>The name that errors about the set of tensors call them by.</summary>
    public string Name => _files.Length == 1 ? _files[0].Name : IndexFile;

    /// <summary>All tensors, in the order of their bytes.</summary>
    public ImmutableArray<TensorEntry> Tensors { get; private set; } = [];

    /// <summary>Bytes of the files, and when the last of them was written.</summary>
    public (long Length, DateTime Written) State =>
        Sum(_files.Select(file => AdapterFile.StateOf(file.Stream.SafeFileHandle, file.Name)));

    /// <summary>Whether the tensors of a folder are those of MLX: there are none of PEFT's.</summary>
    public static bool IsMlx(string folder) => File.Exists(Path.Combine(folder, MlxAdapterConfig.TensorFile))
        && !File.Exists(Path.Combine(folder, PeftFolder.TensorFile)) && !File.Exists(Path.Combine(folder, IndexFile));

    /// <summary>Opens the files and reads their headers.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="limits">How large files may be, all together.</param>
    /// <param name="followsLinks">Whether files may be symbolic links.</param>
    /// <param name="load">Says when headers may be parsed; null for always.</param>
    /// <exception cref="FileNotFoundException">There is neither the file nor an index.</exception>
    /// <exception cref="FormatError">Files are not what format and index say.</exception>
    public static AdapterTensorFiles Open(string folder, AdapterLimits limits, bool followsLinks, PacedLoad? load)
    {
        Dictionary<string, string>? index = ReadIndex(folder, limits, followsLinks);
        var files = ImmutableArray.CreateBuilder<(string Name, FileStream Stream, long Begin)>();
        try
        {
            long begin = 0;
            foreach (string name in NamesOf(folder, index))
            {
                FileStream stream = AdapterFile.Open(Path.Combine(folder, name), name, limits.FileBytes - begin, followsLinks);
                files.Add((name, stream, begin));
                begin += stream.Length;
            }

            var opened = new AdapterTensorFiles(files.ToImmutable());
            opened.Tensors = opened.ReadHeaders(index, limits, load);
            return opened;
        }
        catch (Exception error)
        {
            foreach ((_, FileStream stream, _) in files)
            {
                stream.Dispose();
            }

            if (index is not null && error is (FileNotFoundException or DirectoryNotFoundException))
            {
                throw new FormatError(
                    LoadErrorKind.File, IndexFile, NamesOf(folder, index)[files.Count], "is missing, although the index names it", error);
            }

            throw;
        }
    }

    /// <summary>How the files stand, without opening them.</summary>
    /// <exception cref="FormatError">They cannot be looked at.</exception>
    public static (long Length, DateTime Written) Look(string folder, AdapterLimits limits, bool followsLinks) => Sum(
        NamesOf(folder, ReadIndex(folder, limits, followsLinks))
            .Select(name => AdapterFile.StateOf(Path.Combine(folder, name), name, followsLinks)));

    /// <summary>Reads a part of a tensor.</summary>
    /// <exception cref="FormatError">The bytes are no longer there.</exception>
    public void Read(TensorEntry tensor, long offset, Span<byte> destination)
    {
        int at = _files.Length - 1;
        while (_files[at].Begin > tensor.Begin)
        {
            at--;
        }

        (string name, FileStream stream, long begin) = _files[at];
        AdapterFile.Read(stream.SafeFileHandle, name, tensor.Begin - begin + offset, destination);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, FileStream stream, _) in _files)
        {
            stream.Dispose();
        }
    }

    private ImmutableArray<TensorEntry> ReadHeaders(Dictionary<string, string>? index, AdapterLimits limits, PacedLoad? load)
    {
        var tensors = ImmutableArray.CreateBuilder<TensorEntry>();
        int headers = limits.HeaderBytes;
        foreach ((string name, FileStream stream, long begin) in _files)
        {
            (byte[] json, long length) = SafetensorsHeader.ReadBytes(stream, name, headers);
            headers -= json.Length;
            using PacedWork? work = load?.WorkInPieces();
            foreach (TensorEntry tensor in SafetensorsHeader.Parse(json, length, name, work is null ? null : work.Pause).Tensors)
            {
                if (index is not null && index.GetValueOrDefault(tensor.Name) != name)
                {
                    throw new FormatError(LoadErrorKind.Tensor, IndexFile, tensor.Name,
                        $"is in {Shown.Name(name)}, where the index does not place it");
                }

                index?.Remove(tensor.Name);
                tensors.Add(begin == 0 ? tensor : tensor with { Begin = tensor.Begin + begin });
            }
        }

        return index?.Keys.FirstOrDefault() is { } missing
            ? throw new FormatError(
                LoadErrorKind.Tensor, IndexFile, missing, $"is not in {Shown.Name(index[missing])}, where the index places it")
            : tensors.ToImmutable();
    }

    /// <summary>Tensor → file; null where the tensors are in one file without an index.</summary>
    private static Dictionary<string, string>? ReadIndex(string folder, AdapterLimits limits, bool followsLinks)
    {
        string path = Path.Combine(folder, IndexFile);
        if (File.Exists(Path.Combine(folder, PeftFolder.TensorFile)) || !File.Exists(path))
        {
            return null;
        }

        byte[] bytes;
        using (FileStream stream = AdapterFile.Open(path, IndexFile, limits.HeaderBytes, followsLinks))
        {
            bytes = new byte[stream.Length];
            AdapterFile.Read(stream.SafeFileHandle, IndexFile, 0, bytes);
        }

        ConfigObject index = ConfigDocument.Parse(bytes, IndexFile);
        ConfigObject map = index.OptionalObject("weight_map") ?? throw index.Error("weight_map", "is missing");
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string tensor in map.Keys)
        {
            string file = map.KindOf(tensor) == JsonValueKind.String ? map.String(tensor) : throw map.Error(tensor, "has no file name");
            files.Add(tensor, file.EndsWith(".safetensors", StringComparison.Ordinal) && file.AsSpan().IndexOfAny("/\\:\0") < 0
                ? file
                : throw new FormatError(LoadErrorKind.File, IndexFile, file, "is not the name of a .safetensors file in this folder"));
        }

        int count = NamesOf(folder, files).Length;
        return count is > 0 and <= MostFiles
            ? files
            : throw index.Error("weight_map", $"names {count} files; 1 to {MostFiles} are read");
    }

    private static string[] NamesOf(string folder, Dictionary<string, string>? index) =>
        index is null
            ? [IsMlx(folder) ? MlxAdapterConfig.TensorFile : PeftFolder.TensorFile]
            : [.. index.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static (long Length, DateTime Written) Sum(IEnumerable<(long Length, DateTime Written)> files)
    {
        (long length, DateTime written) = (0L, DateTime.MinValue);
        foreach ((long bytes, DateTime last) in files)
        {
            length += bytes;
            written = last > written ? last : written;
        }

        return (length, written);
    }
}
