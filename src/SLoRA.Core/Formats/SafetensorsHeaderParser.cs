using System.Collections.Immutable;
using System.Text.Json;
using SLoRA.Errors;

namespace SLoRA.Formats;

/// <summary>
/// The grammar of a safetensors header: one JSON object whose members are <c>__metadata__</c> (strings) and tensors
/// (<c>dtype</c>, <c>shape</c>, <c>data_offsets</c>, and nothing else). Checks each entry by itself; how entries lie beside each other is
/// the header's matter.
/// </summary>
internal ref struct SafetensorsHeaderParser
{
    // The deepest legal nesting is header, tensor, shape.
    private const int Depth = 3;

    // PyTorch has no tensor of more dimensions; without a bound a header could be one endless shape.
    private const int MostDimensions = 64;

    // Names of tensors have some fifty characters, those of large nested models some two hundred.
    private const int LongestName = 1024;

    private readonly string _file;
    private readonly long _dataBegin;
    private readonly Action? _pause;
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private Utf8JsonReader _json;

    /// <summary>Begins at the start of a header.</summary>
    /// <param name="json">Its bytes.</param>
    /// <param name="file">The name that errors call the file by.</param>
    /// <param name="dataBegin">Where the tensors' bytes begin.</param>
    /// <param name="pause">Called before each member, so that others can work meanwhile; what it throws ends the parsing. Null for
    /// nobody.</param>
    public SafetensorsHeaderParser(ReadOnlySpan<byte> json, string file, long dataBegin, Action? pause = null)
    {
        _json = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Depth });
        _file = file;
        _dataBegin = dataBegin;
        _pause = pause;
    }

    public ImmutableArray<TensorEntry>.Builder Tensors { get; } = ImmutableArray.CreateBuilder<TensorEntry>();

    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    public void Parse()
    {
        try
        {
            _json.Read();
            while (NextMember())
            {
                string name = Name();
                if (name.Length > LongestName)
                {
                    throw Error(name, $"is a name of {name.Length} characters; {LongestName} are read");
                }

                if (!_names.Add(name))
                {
                    throw Error(name, "is named twice in the header");
                }

                if (name == "__metadata__")
                {
                    ReadMetadata();
                }
                else
                {
                    ReadTensor(name);
                }
            }

            // Trailing spaces are padding, and reading past them finds the end; anything else is an error of the JSON reader.
            _json.Read();
        }
        catch (JsonException error)
        {
            throw new FormatError(LoadErrorKind.File, _file, null, "has a header that is not JSON: " + Shown.Text(error.Message), error);
        }
        catch (InvalidOperationException error)
        {
            // An escaped half of a surrogate pair is legal JSON but no string.
            throw new FormatError(LoadErrorKind.File, _file, null, "has a header with an invalid string: "
                + Shown.Text(error.Message), error);
        }
    }

    private void ReadMetadata()
    {
        Begin(JsonTokenType.StartObject, "__metadata__", "is not an object");
        while (NextMember())
        {
            string key = Name();
            Begin(JsonTokenType.String, "__metadata__", "holds something that is not a string");
            if (!Metadata.TryAdd(key, _json.GetString()!))
            {
                throw Error("__metadata__", $"names {Shown.Name(key)} twice");
            }
        }
    }

    private void ReadTensor(string tensor)
    {
        Begin(JsonTokenType.StartObject, tensor, "is not described by an object");
        string? dtype = null;
        ImmutableArray<long> shape = default, offsets = default;
        while (NextMember())
        {
            string key = Name();
            bool again =
                key switch { "dtype" => dtype is not null, "shape" => !shape.IsDefault, "data_offsets" => !offsets.IsDefault, _ => false };
            if (again)
            {
                throw Error(tensor, $"has {key} twice");
            }

            switch (key)
            {
                case "dtype":
                    Begin(JsonTokenType.String, tensor, "has a dtype that is not a string");
                    dtype = _json.GetString()!;
                    break;
                case "shape":
                    shape = Numbers(tensor, key, MostDimensions);
                    break;
                case "data_offsets":
                    offsets = Numbers(tensor, key, 2);
                    break;
                default:
                    throw Error(tensor, $"has an unknown member {Shown.Name(key)}");
            }
        }

        if (dtype is null || shape.IsDefault || offsets.IsDefault)
        {
            throw Error(tensor, $"has no {(dtype is null ? "dtype" : shape.IsDefault ? "shape" : "data_offsets")}");
        }

        if (TensorTypes.Parse(dtype) is not { } type)
        {
            throw Error(tensor, $"has the unknown dtype {Shown.Name(dtype)}");
        }

        if (offsets.Length != 2 || offsets[1] < offsets[0])
        {
            throw Error(tensor, "has data_offsets that are not a begin and an end");
        }

        if (offsets[1] > long.MaxValue - _dataBegin)
        {
            throw Error(tensor, "has data_offsets too large for any file");
        }

        long length = offsets[1] - offsets[0];
        long needed = Bytes(tensor, type, shape);
        if (length != needed)
        {
            throw Error(tensor, $"has {length} bytes, its shape [{string.Join(", ", shape)}] and type {dtype} need {needed}");
        }

        Tensors.Add(new TensorEntry(tensor, type, shape, _dataBegin + offsets[0], length));
    }

    private readonly long Bytes(string tensor, TensorType type, ImmutableArray<long> shape)
    {
        // Multiplied in file order and without a short cut at zero: [2^40, 2^40, 0] overflows here as it does in the reference.
        Int128 bits = type.ElementBits();
        foreach (long dimension in shape)
        {
            bits *= dimension;
            if (bits > long.MaxValue)
            {
                throw Error(tensor, $"has a shape [{string.Join(", ", shape)}] that overflows");
            }
        }

        return bits % 8 == 0 ? (long)(bits / 8) : throw Error(tensor, "does not end on a byte");
    }

    private ImmutableArray<long> Numbers(string tensor, string key, int most)
    {
        Begin(JsonTokenType.StartArray, tensor, $"has a {key} that is not a list");
        var numbers = ImmutableArray.CreateBuilder<long>();
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType != JsonTokenType.Number || !_json.TryGetInt64(out long number) || number < 0)
            {
                throw Error(tensor, $"has a {key} with an entry that is not a number from 0 to 2^63 - 1");
            }

            if (numbers.Count == most)
            {
                throw Error(tensor, $"has a {key} of more than {most} entries");
            }

            numbers.Add(number);
        }

        return numbers.ToImmutable();
    }

    private bool NextMember()
    {
        _pause?.Invoke();
        return _json.Read() && _json.TokenType == JsonTokenType.PropertyName;
    }

    private readonly string Name() => _json.GetString()!;

    private void Begin(JsonTokenType expected, string tensor, string problem)
    {
        if (!_json.Read() || _json.TokenType != expected)
        {
            throw Error(tensor, problem);
        }
    }

    private readonly FormatError Error(string tensor, string problem) => new(LoadErrorKind.File, _file, tensor, problem);
}
