using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Unicode;

namespace SLoRA.Formats;

/// <summary>
/// The checked header of a safetensors file: 8 bytes of little-endian length, that many bytes of JSON, then the tensors' bytes.
/// A header exists only if the tensors tile the rest of the file exactly, so that reading any entry stays inside the file.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The longest header that the format allows, in bytes.</summary>
    public const long LongestHeader = 100_000_000;

    private const int LengthField = sizeof(ulong);

    // Only for those who look by name: a header of a hundred thousand names is read by others too.
    private FrozenDictionary<string, TensorEntry>? _byName;

    private SafetensorsHeader(string file, long dataBegin, ImmutableArray<TensorEntry> tensors, FrozenDictionary<string, string> metadata)
    {
        File = file;
        DataBegin = dataBegin;
        Tensors = tensors;
        Metadata = metadata;
    }

    /// <summary>The name that errors call the file by.</summary>
    public string File { get; }

    /// <summary>The offset in the file at which tensor bytes begin.</summary>
    public long DataBegin { get; }

    /// <summary>The tensors in the order of their bytes.</summary>
    public ImmutableArray<TensorEntry> Tensors { get; }

    /// <summary>The strings under <c>__metadata__</c>.</summary>
    public FrozenDictionary<string, string> Metadata { get; }

    /// <summary>The tensor of this name, or null.</summary>
    public TensorEntry? Find(string name)
    {
        _byName ??= Tensors.ToFrozenDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        return _byName.GetValueOrDefault(name);
    }

    /// <summary>Reads and checks the header at the start of a seekable stream, and nothing behind it.</summary>
    /// <param name="stream">The file, positioned at its start.</param>
    /// <param name="file">The name that errors call it by.</param>
    /// <param name="longest">The longest header that is read, in bytes.</param>
    /// <exception cref="FormatError">The file is not what the format says (kind <see cref="LoadErrorKind.File"/>), or cannot be
    /// read.</exception>
    public static SafetensorsHeader Read(Stream stream, string file, long longest = LongestHeader)
    {
        (byte[] json, long fileLength) = ReadBytes(stream, file, longest);
        return Parse(json, fileLength, file);
    }

    /// <summary>Reads the header's bytes without looking into them.</summary>
    /// <returns>The JSON, and the length of the file.</returns>
    /// <inheritdoc cref="Read"/>
    public static (byte[] Json, long FileLength) ReadBytes(Stream stream, string file, long longest = LongestHeader)
    {
        try
        {
            long fileLength = stream.Length;
            CheckStart(stream, file);
            if (fileLength < LengthField)
            {
                throw Error(file, null, $"is {fileLength} bytes long, shorter than a safetensors header");
            }

            Span<byte> field = stackalloc byte[LengthField];
            stream.ReadExactly(field);
            ulong length = BinaryPrimitives.ReadUInt64LittleEndian(field);
            // Both bounds come before the buffer, so a file can never make us take more memory than it has bytes.
            if (length > (ulong)longest)
            {
                throw Error(file, null, $"says that its header is {length} bytes long; {longest} are read");
            }

            if ((long)length > fileLength - LengthField)
            {
                throw Error(file, null, $"ends before its header of {length} bytes does; the file is {fileLength} bytes long");
            }

            byte[] json = GC.AllocateUninitializedArray<byte>((int)length);
            stream.ReadExactly(json);
            return (json, fileLength);
        }
        catch (IOException error)
        {
            throw new FormatError(LoadErrorKind.File, file, null, FileProblem.Of(error), error);
        }
    }

    /// <summary>Checks a header.</summary>
    /// <param name="json">Its bytes, without the length before them.</param>
    /// <param name="fileLength">Bytes of the file.</param>
    /// <param name="file">The name that errors call it by.</param>
    /// <param name="pause">Called before each member, so that others can work meanwhile; what it throws ends the reading. Null for
    /// nobody.</param>
    /// <exception cref="FormatError">The header is not what the format says.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long fileLength, string file, Action? pause = null)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
        {
            throw Error(file, null, "has a header that is not a JSON object");
        }

        if (!Utf8.IsValid(json))
        {
            throw Error(file, null, "has a header that is not UTF-8");
        }

        long dataBegin = LengthField + json.Length;
        var parser = new SafetensorsHeaderParser(json, file, dataBegin, pause);
        parser.Parse();
        ImmutableArray<TensorEntry> tensors = parser.Tensors.ToImmutable().Sort(ByPlace);
        CheckTiling(tensors, dataBegin, fileLength, file);
        return new SafetensorsHeader(file, dataBegin, tensors, parser.Metadata.ToFrozenDictionary(StringComparer.Ordinal));
    }

    /// <summary>
    /// A file whose ninth byte does not begin a header is told by its first ones, if it is one of those that are mistaken for safetensors.
    /// </summary>
    private static void CheckStart(Stream stream, string file)
    {
        Span<byte> start = stackalloc byte[ForeignFile.StartBytes];
        int read = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        if ((read <= LengthField || start[LengthField] != (byte)'{') && ForeignFile.Problem(start[..read]) is { } problem)
        {
            throw Error(file, null, problem);
        }
    }

    /// <summary>
    /// The tensors' bytes must follow one another without hole or overlap, from the end of the header to the end of the file.
    /// </summary>
    private static void CheckTiling(ImmutableArray<TensorEntry> tensors, long dataBegin, long fileLength, string file)
    {
        // First of all the ends: a tensor outside the file also leaves a hole before it, but is the better thing to name.
        foreach (TensorEntry tensor in tensors)
        {
            if (tensor.Length > fileLength - tensor.Begin)
            {
                throw Error(file, tensor.Name, $"ends at byte {tensor.Begin + tensor.Length}, the file has {fileLength}");
            }
        }

        long end = dataBegin;
        foreach (TensorEntry tensor in tensors)
        {
            if (tensor.Begin < end)
            {
                throw Error(file, tensor.Name, "overlaps the bytes of another tensor");
            }

            if (tensor.Begin > end)
            {
                throw Error(file, tensor.Name, $"begins at byte {tensor.Begin}, leaving bytes from {end} on that belong to no tensor");
            }

            end = tensor.Begin + tensor.Length;
        }

        if (end != fileLength)
        {
            throw Error(file, null, $"has {fileLength - end} bytes at its end that belong to no tensor");
        }
    }

    private static int ByPlace(TensorEntry a, TensorEntry b)
    {
        int order = a.Begin.CompareTo(b.Begin);
        return order != 0 ? order : a.Length.CompareTo(b.Length);
    }

    private static FormatError Error(string file, string? tensor, string problem) => new(LoadErrorKind.File, file, tensor, problem);
}
