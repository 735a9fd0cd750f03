using System.Text.Json;
using System.Text.Unicode;
using SLoRA.Errors;
using SLoRA.Native;

namespace SLoRA.Formats;

/// <summary>Opens JSON configuration files: bounded in size and depth, UTF-8, one object, no key twice.</summary>
internal static class ConfigDocument
{
    /// <summary>
    /// The largest configuration that is read. Published ones have a few kilobytes, per-module patterns of big models some hundred.
    /// </summary>
    public const int LargestConfig = 16 << 20;

    private const int Depth = 32;

    /// <summary>Reads a file whose root is an object.</summary>
    /// <param name="path">The file; errors call it by this path.</param>
    /// <param name="kind">The kind of error that its content can have.</param>
    /// <param name="largest">The most bytes it may have.</param>
    /// <exception cref="FormatError">The file is missing or unreadable (kind <see cref="LoadErrorKind.File"/>), or its content is
    /// wrong.</exception>
    public static ConfigObject Read(string path, LoadErrorKind kind = LoadErrorKind.Config, int largest = LargestConfig) =>
        Parse(ReadBytes(path, kind, largest), path, kind);

    /// <summary>Reads a file as it is.</summary>
    /// <inheritdoc cref="Read" path="/param"/>
    /// <exception cref="FormatError">The file is missing, unreadable or too large.</exception>
    public static byte[] ReadBytes(string path, LoadErrorKind kind = LoadErrorKind.Config, int largest = LargestConfig)
    {
        try
        {
            using var stream = new FileStream(RegularFile.Open(path), FileAccess.Read, bufferSize: 0);
            if (stream.Length > largest)
            {
                throw new FormatError(kind, path, null, $"has {stream.Length} bytes; configurations of more than {largest} are not read");
            }

            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception error) when (FileProblem.IsOne(error))
        {
            throw new FormatError(LoadErrorKind.File, path, null, FileProblem.Of(error), error);
        }
    }

    /// <summary>Reads an object out of memory.</summary>
    public static ConfigObject Parse(ReadOnlyMemory<byte> utf8, string file, LoadErrorKind kind = LoadErrorKind.Config)
    {
        if (ForeignFile.Problem(utf8.Span) is { } problem)
        {
            throw new FormatError(kind, file, null, problem);
        }

        if (!Utf8.IsValid(utf8.Span))
        {
            throw new FormatError(kind, file, null, "is not UTF-8");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = Depth });
            JsonElement root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object
                ? Open(file, kind, "", root.Clone())
                : throw new FormatError(
                    kind, file, null, $"holds a JSON {root.ValueKind.ToString().ToLowerInvariant()}, expected an object");
        }
        catch (JsonException error)
        {
            throw new FormatError(kind, file, null, "is not JSON: " + Shown.Text(error.Message), error);
        }
    }

    internal static ConfigObject Open(string file, LoadErrorKind kind, string path, JsonElement value)
    {
        string prefix = path == "" ? "" : path + ".";
        var members = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        try
        {
            foreach (JsonProperty member in value.EnumerateObject())
            {
                if (!members.TryAdd(member.Name, member.Value))
                {
                    throw new FormatError(kind, file, prefix + member.Name, "is given twice");
                }
            }
        }
        catch (InvalidOperationException error)
        {
            throw new FormatError(kind, file, null, "has a key with half of a surrogate pair", error);
        }

        return new ConfigObject(file, kind, prefix, members);
    }
}
