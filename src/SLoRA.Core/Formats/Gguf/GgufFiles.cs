using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using SLoRA.Errors;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// A model in GGUF: one file, or all parts of one that was split. Opening reads and checks all headers; what the model is stands in the
/// first.
/// </summary>
internal sealed partial class GgufFiles : IDisposable
{
    /// <summary>The ending of names of files.</summary>
    public const string Ending = ".gguf";

    private const string PartKey = "split.no";
    private const string PartsKey = "split.count";
    private const string TensorsKey = "split.tensors.count";
    private const int MostParts = 99_999;

    private readonly ImmutableArray<WeightFile> _files;

    private GgufFiles(
        ImmutableArray<WeightFile> files, GgufMetadata metadata, ImmutableArray<(GgufTensor Tensor, WeightFile File)> tensors)
    {
        _files = files;
        Metadata = metadata;
        Tensors = tensors;
    }

    /// <summary>The path of the first file.</summary>
    public string Path => _files[0].Path;

    /// <summary>What the first file says about the model.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>All tensors, and which file each is in.</summary>
    public ImmutableArray<(GgufTensor Tensor, WeightFile File)> Tensors { get; }

    /// <summary>All files.</summary>
    public ImmutableArray<WeightFile> Files => _files;

    /// <summary>Whether <see cref="Map"/> has been called.</summary>
    public bool IsMapped { get; private set; }

    /// <summary>Opens a file, and the other parts beside it if it is the first of several.</summary>
    /// <exception cref="FormatError">A file is missing, or is not what the format says.</exception>
    public static GgufFiles Open(string path, CancellationToken cancellation = default)
    {
        var files = ImmutableArray.CreateBuilder<WeightFile>();
        try
        {
            var tensors = new Dictionary<string, (GgufTensor Tensor, WeightFile File)>(StringComparer.Ordinal);
            GgufMetadata first = OpenPart(path).Metadata;
            int parts = PartsOf(first);
            for (int part = 1; part < parts; part++)
            {
                cancellation.ThrowIfCancellationRequested();
                string next = PathOfPart(first, part, parts);
                CheckPart(OpenPart(next).Metadata, part, parts);
            }

            if (parts > 1 && first.OptionalInteger(TensorsKey, 0, int.MaxValue) is { } promised && promised != tensors.Count)
            {
                throw first.Error(TensorsKey, $"is {promised}, the {parts} parts have {tensors.Count} tensors");
            }

            return new GgufFiles(files.ToImmutable(), first, [.. tensors.Values]);

            GgufHeader OpenPart(string part)
            {
                WeightFile file = WeightFile.Open(part, stream => GgufHeader.Read(stream, part), out GgufHeader header);
                files.Add(file);
                foreach (GgufTensor tensor in header.Tensors)
                {
                    if (!tensors.TryAdd(tensor.Name, (tensor, file)))
                    {
                        string other = System.IO.Path.GetFileName(tensors[tensor.Name].File.Path);
                        throw new FormatError(LoadErrorKind.File, part, tensor.Name, $"is also in {Shown.Name(other)}");
                    }
                }

                return header;
            }
        }
        catch
        {
            foreach (WeightFile file in files)
            {
                file.Dispose();
            }

            throw;
        }
    }

    /// <summary>The GGUF model that a folder holds: the only file, or the first part of the only one that was split.</summary>
    /// <returns>Null if there is no GGUF file.</returns>
    /// <exception cref="FormatError">There are several.</exception>
    public static string? Find(string folder)
    {
        string[] files = [.. Directory.EnumerateFiles(folder)
            .Where(file => file.EndsWith(Ending, StringComparison.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal)];
        // A part whose first is missing stands for itself, and is refused when it is opened.
        string[] models = [.. files.Where(file =>
            PartName().Match(file) is not { Success: true } part || IsFirst(part) || !files.Contains(FirstOf(part)))];
        return models.Length <= 1
            ? models.FirstOrDefault()
            : throw new FormatError(LoadErrorKind.File, folder, null,
                $"holds several GGUF models ({Shown.Names([.. models.Select(System.IO.Path.GetFileName)!])}): name one of them");
    }

    /// <summary>Reads every file through once and maps it.</summary>
    /// <exception cref="FormatError">A file cannot be read, or is shorter than when its header was read.</exception>
    public void Map(IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        WeightFile.MapAll(_files, progress, cancellation);
        IsMapped = true;
    }

    /// <summary>Closes the files, unless they are mapped.</summary>
    public void Release()
    {
        foreach (WeightFile file in _files)
        {
            file.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (WeightFile file in _files)
        {
            file.Dispose();
        }
    }

    private static int PartsOf(GgufMetadata first)
    {
        int parts = (int)(first.OptionalInteger(PartsKey, 0, MostParts) ?? 1);
        if (parts > 1 && first.OptionalInteger(PartKey, 0, MostParts) is not 0)
        {
            throw first.Refusal(PartKey, $"makes this a later one of {parts} parts: name the first");
        }

        return parts;
    }

    private static string PathOfPart(GgufMetadata first, int part, int parts)
    {
        if (PartName().Match(first.File) is not { Success: true } name || !IsFirst(name)
            || int.Parse(name.Groups["of"].ValueSpan, CultureInfo.InvariantCulture) != parts)
        {
            throw new FormatError(LoadErrorKind.File, first.File, null,
                $"is the first of {parts} parts; its name has to end in -00001-of-{parts:00000}{Ending}, as those of the others do");
        }

        string path = $"{name.Groups["name"].Value}-{part + 1:00000}-of-{parts:00000}{Ending}";
        return File.Exists(path)
            ? path
            : throw new FormatError(LoadErrorKind.File, first.File, System.IO.Path.GetFileName(path),
                $"is missing: it is one of the {parts} parts of this model");
    }

    private static void CheckPart(GgufMetadata metadata, int part, int parts)
    {
        if (metadata.Integer(PartKey, 0, MostParts) is var actual && actual != part)
        {
            throw metadata.Error(PartKey, $"is {actual}, expected {part}");
        }

        if (metadata.Integer(PartsKey, 0, MostParts) is var count && count != parts)
        {
            throw metadata.Error(PartsKey, $"is {count}, the first part says {parts}");
        }
    }

    private static bool IsFirst(Match part) => int.Parse(part.Groups["part"].ValueSpan, CultureInfo.InvariantCulture) == 1;

    private static string FirstOf(Match part) => $"{part.Groups["name"].Value}-00001-of-{part.Groups["of"].Value}{Ending}";

    [GeneratedRegex(@"\A(?<name>.*)-(?<part>[0-9]{5})-of-(?<of>[0-9]{5})\.gguf\z", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex PartName();
}
