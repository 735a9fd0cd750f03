using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Formats.Gguf;

namespace SLoRA;

/// <summary>
/// What a GGUF file says about itself, by key: its tokenizer, its chat template, its name. The header has been checked, and tensors have
/// not been touched. Immutable.
/// </summary>
public sealed class GgufFile
{
    private readonly GgufMetadata _metadata;

    private GgufFile(string path, GgufMetadata metadata)
    {
        FilePath = path;
        _metadata = metadata;
    }

    /// <summary>The file, as it was given or found.</summary>
    public string FilePath { get; }

    /// <summary>All keys, in no particular order.</summary>
    public IEnumerable<string> Keys => _metadata.Keys;

    /// <summary>The GGUF file that a path names as a model: the file itself, or the only one of a folder.</summary>
    /// <param name="path">A file or a folder.</param>
    /// <returns>The file, of a model that was split the first; null if the path names none.</returns>
    /// <exception cref="ModelLoadException">The folder holds several.</exception>
    public static string? Find(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Converted(() => path.EndsWith(GgufFiles.Ending, StringComparison.OrdinalIgnoreCase) && File.Exists(path) ? path
            : Directory.Exists(path) ? GgufFiles.Find(path)
            : null);
    }

    /// <summary>Reads and checks the header of a file.</summary>
    /// <param name="path">The file; of a model that was split the first, which has all keys.</param>
    /// <exception cref="ModelLoadException">The file cannot be read, or its header is wrong.</exception>
    public static GgufFile ReadHeader(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Converted(() =>
        {
            using WeightFile file = WeightFile.Open(path, stream => GgufHeader.Read(stream, path), out GgufHeader header);
            return new GgufFile(path, header.Metadata);
        });
    }

    /// <summary>A string; null if the key is missing.</summary>
    /// <exception cref="ModelLoadException">It is something else.</exception>
    public string? GetText(string key) => Converted(() => _metadata.OptionalText(key));

    /// <summary>True or false; null if the key is missing.</summary>
    /// <inheritdoc cref="GetText"/>
    public bool? GetBoolean(string key) => Converted(() => _metadata.OptionalBool(key));

    /// <summary>A whole number; null if the key is missing.</summary>
    /// <inheritdoc cref="GetText"/>
    public long? GetInteger(string key) => Converted(() => _metadata.OptionalInteger(key, long.MinValue, long.MaxValue));

    /// <summary>A list of strings; null if the key is missing.</summary>
    /// <inheritdoc cref="GetText"/>
    public ImmutableArray<string>? GetTexts(string key) => Converted(() => _metadata.OptionalTexts(key));

    /// <summary>A list of whole numbers; null if the key is missing.</summary>
    /// <inheritdoc cref="GetText"/>
    public ImmutableArray<long>? GetIntegers(string key) => Converted(() => _metadata.OptionalIntegers(key));

    /// <summary>A list of floating-point numbers; null if the key is missing.</summary>
    /// <inheritdoc cref="GetText"/>
    public ImmutableArray<double>? GetNumbers(string key) => Converted(() => _metadata.OptionalNumbers(key));

    private static T Converted<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (FormatError error)
        {
            throw new ModelLoadException(error);
        }
    }
}
