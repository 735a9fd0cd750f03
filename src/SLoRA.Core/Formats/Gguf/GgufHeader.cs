using System.Collections.Immutable;
using System.Numerics;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// The checked header of a GGUF file: what it says about itself, and its tensors. It exists only if every tensor lies inside the file, in
/// whole blocks, and they follow one another as the format says; so reading any of them stays inside the file.
/// </summary>
internal sealed class GgufHeader
{
    /// <summary>The longest header that is read: the largest vocabularies take some ten megabytes.</summary>
    public const long LongestHeader = 1 << 30;

    private const uint Magic = 0x4655_4747;
    private const uint BigEndian = 3u << 24;
    private const int LongestName = 1024;
    private const int MostDimensions = 4;
    private const int SmallestKey = sizeof(ulong) + sizeof(uint) + 1;
    private const int SmallestTensor = sizeof(ulong) + sizeof(uint) + sizeof(uint) + sizeof(ulong);
    private const string AlignmentKey = "general.alignment";

    private readonly GgufCursor _cursor;
    private readonly Action? _pause;

    private GgufHeader(string file, GgufCursor cursor, Action? pause)
    {
        _cursor = cursor;
        _pause = pause;
        CheckStart();
        int tensors = cursor.Count("tensors", SmallestTensor), keys = cursor.Count("keys", SmallestKey);
        Metadata = new GgufMetadata(file, ReadKeys(keys));
        Tensors = ReadTensors(tensors, Metadata.AlignmentOf(AlignmentKey));
    }

    /// <summary>The keys and their values.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>The tensors in the order of the file.</summary>
    public ImmutableArray<GgufTensor> Tensors { get; }

    /// <summary>Reads and checks the header at the start of a seekable stream, and nothing behind it.</summary>
    /// <param name="stream">The file, positioned at its start.</param>
    /// <param name="file">The name that errors call it by.</param>
    /// <param name="longest">The longest header that is read, in bytes.</param>
    /// <param name="pause">Called before each key and tensor, so that others can work meanwhile; what it throws ends the reading. Null for
    /// nobody.</param>
    /// <exception cref="FormatError">The file is not what the format says (kind <see cref="LoadErrorKind.File"/>), or cannot be
    /// read.</exception>
    public static GgufHeader Read(Stream stream, string file, long longest = LongestHeader, Action? pause = null)
    {
        try
        {
            CheckForeign(stream, file);
            return new GgufHeader(file, new GgufCursor(stream, file, longest), pause);
        }
        catch (IOException error)
        {
            throw new FormatError(LoadErrorKind.File, file, null, FileProblem.Of(error), error);
        }
    }

    private static void CheckForeign(Stream stream, string file)
    {
        Span<byte> start = stackalloc byte[ForeignFile.StartBytes];
        int read = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        if (read == 0)
        {
            throw new FormatError(LoadErrorKind.File, file, null, "is empty");
        }

        if (!start[..read].StartsWith("GGUF"u8) && ForeignFile.Problem(start[..read]) is { } problem)
        {
            throw new FormatError(LoadErrorKind.File, file, null, problem);
        }
    }

    private void CheckStart()
    {
        if (_cursor.Number<uint>() != Magic)
        {
            throw _cursor.Error("is no GGUF file: it does not begin with GGUF");
        }

        uint version = _cursor.Number<uint>();
        if (version is not (2 or 3))
        {
            throw _cursor.Error(version == BigEndian
                ? "is a big-endian GGUF file; only little-endian ones are read"
                : $"is a GGUF file of version {version}; versions 2 and 3 are read");
        }
    }

    private Dictionary<string, GgufValue> ReadKeys(int count)
    {
        var values = new Dictionary<string, GgufValue>(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            _pause?.Invoke();
            _cursor.Subject = null;
            string key = _cursor.Text(ushort.MaxValue);
            _cursor.Subject = key;
            GgufValue value = ReadValue();
            if (!values.TryAdd(key, value))
            {
                throw _cursor.Error("is given twice");
            }
        }

        return values;
    }

    private GgufValue ReadValue()
    {
        uint number = _cursor.Number<uint>();
        var type = (GgufValueType)number;
        return type switch
        {
            GgufValueType.List => ReadList(),
            GgufValueType.Text => new GgufValue(type, _cursor.Text()),
            GgufValueType.Bool => new GgufValue(type, Bool(_cursor.Number<byte>())),
            GgufValueType.U8 => new GgufValue(type, (long)_cursor.Number<byte>()),
            GgufValueType.I8 => new GgufValue(type, (long)_cursor.Number<sbyte>()),
            GgufValueType.U16 => new GgufValue(type, (long)_cursor.Number<ushort>()),
            GgufValueType.I16 => new GgufValue(type, (long)_cursor.Number<short>()),
            GgufValueType.U32 => new GgufValue(type, (long)_cursor.Number<uint>()),
            GgufValueType.I32 => new GgufValue(type, (long)_cursor.Number<int>()),
            GgufValueType.U64 => new GgufValue(type, Clamped(_cursor.Number<ulong>())),
            GgufValueType.I64 => new GgufValue(type, _cursor.Number<long>()),
            GgufValueType.F32 => new GgufValue(type, (double)_cursor.Number<float>()),
            GgufValueType.F64 => new GgufValue(type, _cursor.Number<double>()),
            _ => throw _cursor.Error($"has a value of the unknown type {number}"),
        };
    }

    private GgufValue ReadList()
    {
        uint number = _cursor.Number<uint>();
        var type = (GgufValueType)number;
        Array items = type switch
        {
            GgufValueType.Text => _cursor.Texts(),
            GgufValueType.Bool => _cursor.Numbers<byte>(),
            GgufValueType.U8 => _cursor.Numbers<byte>(),
            GgufValueType.I8 => _cursor.Numbers<sbyte>(),
            GgufValueType.U16 => _cursor.Numbers<ushort>(),
            GgufValueType.I16 => _cursor.Numbers<short>(),
            GgufValueType.U32 => _cursor.Numbers<uint>(),
            GgufValueType.I32 => _cursor.Numbers<int>(),
            GgufValueType.U64 => _cursor.Numbers<ulong>(),
            GgufValueType.I64 => _cursor.Numbers<long>(),
            GgufValueType.F32 => _cursor.Numbers<float>(),
            GgufValueType.F64 => _cursor.Numbers<double>(),
            GgufValueType.List => throw _cursor.Error("is a list of lists, which is not read"),
            _ => throw _cursor.Error($"is a list of values of the unknown type {number}"),
        };
        return new GgufValue(GgufValueType.List, items, type);
    }

    private bool Bool(byte value) => value <= 1 ? value == 1 : throw _cursor.Error($"is a boolean of the value {value}");

    private static long Clamped(ulong value) => (long)Math.Min(value, long.MaxValue);

    private ImmutableArray<GgufTensor> ReadTensors(int count, long alignment)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var tensors = ImmutableArray.CreateBuilder<GgufTensor>();
        // Offsets count from the start of the data, which is known when the last of them has been read.
        long data = 0;
        for (int i = 0; i < count; i++)
        {
            _pause?.Invoke();
            _cursor.Subject = null;
            string name = _cursor.Text(LongestName);
            _cursor.Subject = name;
            if (!names.Add(name))
            {
                throw _cursor.Error("is named twice");
            }

            GgufTensor tensor = ReadTensor(name, alignment, data);
            tensors.Add(tensor);
            data = Padded(tensor.Begin + tensor.Length, alignment);
        }

        _cursor.Subject = null;
        long begin = Padded(_cursor.Position, alignment);
        CheckEnd(tensors, begin, alignment);
        return [.. tensors.Select(tensor => tensor with { Begin = begin + tensor.Begin })];
    }

    private GgufTensor ReadTensor(string name, long alignment, long expected)
    {
        uint rank = _cursor.Number<uint>();
        if (rank > MostDimensions)
        {
            throw _cursor.Error($"has {rank} dimensions; GGUF has at most {MostDimensions}");
        }

        long[] shape = new long[rank];
        for (int i = 0; i < shape.Length; i++)
        {
            ulong dimension = _cursor.Number<ulong>();
            shape[^(i + 1)] = dimension is > 0 and <= long.MaxValue
                ? (long)dimension
                : throw _cursor.Error($"has a dimension of {dimension}");
        }

        uint number = _cursor.Number<uint>();
        GgufType type = GgufTypes.Of(number) ?? throw _cursor.Error($"has the unknown type {number}");
        long length = Bytes(shape, type);
        ulong offset = _cursor.Number<ulong>();
        if (offset % (ulong)alignment != 0)
        {
            throw _cursor.Error($"begins at offset {offset}, no multiple of the alignment {alignment}");
        }

        if (offset != (ulong)expected)
        {
            throw _cursor.Error(offset < (ulong)expected
                ? $"begins at offset {offset} and overlaps the bytes of the tensor before it, which end at {expected}"
                : $"begins at offset {offset}, leaving bytes from {expected} on that belong to no tensor");
        }

        return new GgufTensor(name, type, [.. shape], expected, length);
    }

    private long Bytes(long[] shape, GgufType type)
    {
        long row = shape.Length == 0 ? 1 : shape[^1];
        if (row % type.BlockElements != 0)
        {
            throw _cursor.Error($"has rows of {row} elements, no whole number of blocks: {type.Name} has {type.BlockElements} in a block");
        }

        BigInteger bytes = shape.Aggregate(BigInteger.One, static (product, size) => product * size) / type.BlockElements * type.BlockBytes;
        // Sums of sizes of two such tensors cannot overflow.
        return bytes <= _cursor.Length ? (long)bytes : throw _cursor.Error($"would have {bytes} bytes, the file has {_cursor.Length}");
    }

    private void CheckEnd(IReadOnlyList<GgufTensor> tensors, long begin, long alignment)
    {
        foreach (GgufTensor tensor in tensors)
        {
            if (begin + tensor.Begin + tensor.Length > _cursor.Length)
            {
                _cursor.Subject = tensor.Name;
                throw _cursor.Error($"ends at byte {begin + tensor.Begin + tensor.Length}, the file has {_cursor.Length}");
            }
        }

        long end = tensors.Count == 0 ? begin : begin + Padded(tensors[^1].Begin + tensors[^1].Length, alignment);
        if (_cursor.Length > end)
        {
            throw _cursor.Error($"has {_cursor.Length - end} bytes at its end that belong to no tensor");
        }
    }

    private static long Padded(long bytes, long alignment) => (bytes + alignment - 1) & -alignment;
}
