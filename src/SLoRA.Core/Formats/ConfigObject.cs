using System.Collections.Immutable;
using System.Text.Json;

namespace SLoRA.Formats;

/// <summary>
/// A JSON object of a configuration file, read by typed questions. Every wrong answer is a <see cref="FormatError"/> that names the file
/// and the key. As in the Python these files come from, a key whose value is null counts as absent.
/// </summary>
internal sealed class ConfigObject
{
    private readonly Dictionary<string, JsonElement> _members;
    private readonly LoadErrorKind _kind;
    private readonly string _path;

    internal ConfigObject(string file, LoadErrorKind kind, string path, Dictionary<string, JsonElement> members)
    {
        File = file;
        _kind = kind;
        _path = path;
        _members = members;
    }

    /// <summary>The name that errors call the file by.</summary>
    public string File { get; }

    /// <summary>The keys present, those with null values included, in file order.</summary>
    public IEnumerable<string> Keys => _members.Keys;

    /// <summary>Whether the key is present, be it with a null value.</summary>
    public bool Names(string key) => _members.ContainsKey(key);

    /// <summary>Whether the key is present and not null.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>The kind of JSON value under a key; <see cref="JsonValueKind.Null"/> if it is absent.</summary>
    public JsonValueKind KindOf(string key) => Find(key)?.ValueKind ?? JsonValueKind.Null;

    /// <summary>Whether the value counts as true in Python: present, and not null, false, zero or empty.</summary>
    public bool IsOn(string key) => Find(key) is { } value && value.ValueKind switch
    {
        JsonValueKind.False => false,
        JsonValueKind.Number => !value.TryGetDouble(out double number) || number != 0,
        JsonValueKind.String => value.GetRawText().Length > 2,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.EnumerateObject().Any(),
        _ => true,
    };

    /// <summary>A whole number within bounds, both included. 16.0 is not a whole number here, nor is true.</summary>
    public int Int(string key, int smallest, int largest) => OptionalInt(key, smallest, largest) ?? throw Missing(key);

    /// <inheritdoc cref="Int"/>
    public int? OptionalInt(string key, int smallest, int largest)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        return Integer(value) is not { } number ? throw WrongType(key, "a whole number", value)
            : number < smallest || number > largest ? throw OutOfRange(key, value, $"{smallest} to {largest}")
            : (int)number;
    }

    /// <summary>
    /// A finite number within bounds, both included; <see cref="double.Epsilon"/> as the smallest means positive. Whole numbers count as
    /// numbers.
    /// </summary>
    public double Number(string key, double smallest, double largest) => OptionalNumber(key, smallest, largest) ?? throw Missing(key);

    /// <inheritdoc cref="Number"/>
    public double? OptionalNumber(string key, double smallest, double largest)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            throw WrongType(key, "a number", value);
        }

        // 1e400 reads as infinity.
        return value.TryGetDouble(out double number) && number >= smallest && number <= largest && double.IsFinite(number)
            ? number
            : throw OutOfRange(key, value, smallest == double.Epsilon
                ? $"more than 0, at most {largest:R}"
                : $"{smallest:R} to {largest:R}");
    }

    /// <summary>Whether a number is present and is exactly this one.</summary>
    public bool IsNumber(string key, double number) =>
        Find(key) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out double actual) && actual == number;

    /// <summary>True or false; <paramref name="otherwise"/> if absent.</summary>
    public bool Bool(string key, bool otherwise) => Find(key) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => throw WrongType(key, "true or false", value),
    };

    /// <summary>A string.</summary>
    public string String(string key) => OptionalString(key) ?? throw Missing(key);

    /// <inheritdoc cref="String"/>
    public string? OptionalString(string key) => Find(key) is { } value ? Text(key, value) : null;

    /// <summary>A list of strings; null if absent.</summary>
    public ImmutableArray<string>? OptionalStrings(string key)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(item => Text(key, item))]
            : throw WrongType(key, "a list of strings", value);
    }

    /// <summary>One whole number or a list of them, every one within bounds; null if absent.</summary>
    public ImmutableArray<int>? OptionalIntOrInts(string key, int smallest, int largest)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        IEnumerable<JsonElement> items = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [value];
        return
        [
            .. items.Select(item => Integer(item) is not { } number ? throw WrongType(key, "a whole number or a list of them", item)
                : number < smallest || number > largest ? throw OutOfRange(key, item, $"{smallest} to {largest}")
                : (int)number),
        ];
    }

    /// <summary>A list of finite numbers, every one within bounds as in <see cref="Number"/>; null if absent.</summary>
    public ImmutableArray<double>? OptionalNumbers(string key, double smallest, double largest)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.Number))
        {
            throw WrongType(key, "a list of numbers", value);
        }

        return [.. value.EnumerateArray().Select(item =>
            item.TryGetDouble(out double number) && number >= smallest && number <= largest && double.IsFinite(number)
                ? number
                : throw OutOfRange(key, item, $"{smallest:R} to {largest:R}"))];
    }

    /// <summary>A nested object; null if absent. Errors name its keys with the path to them.</summary>
    public ConfigObject? OptionalObject(string key)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Object
            ? ConfigDocument.Open(File, _kind, PathOf(key), value)
            : throw WrongType(key, "an object", value);
    }

    /// <summary>The same object, with those of <paramref name="keys"/> that it lacks taken from another.</summary>
    public ConfigObject OrElse(ConfigObject other, ImmutableArray<string> keys)
    {
        var members = new Dictionary<string, JsonElement>(_members, StringComparer.Ordinal);
        foreach (string key in keys)
        {
            if (!members.ContainsKey(key) && other._members.TryGetValue(key, out JsonElement value))
            {
                members.Add(key, value);
            }
        }

        return new ConfigObject(File, _kind, _path, members);
    }

    /// <summary>An error of the kind of this file about a key: the rest of a sentence that begins with the key.</summary>
    public FormatError Error(string key, string problem) => new(_kind, File, PathOf(key), problem);

    /// <summary>The refusal of a setting that is well-formed but not served: the rest of a sentence that begins with the key.</summary>
    public FormatError Refusal(string key, string problem) => new(LoadErrorKind.Incompatible, File, PathOf(key), problem);

    /// <summary>The JSON text of a value, cut to what a message can bear.</summary>
    public string Shown(string key) => Find(key) is { } value ? Shown(value) : "null";

    private JsonElement? Find(string key) =>
        _members.TryGetValue(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private string PathOf(string key) => _path + key;

    private string Text(string key, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            throw WrongType(key, "a string", value);
        }

        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Error(key, "holds half of a surrogate pair");
        }
    }

    private FormatError Missing(string key) => Error(key, "is missing");

    private FormatError WrongType(string key, string expected, JsonElement value) => Error(key, $"is {Shown(value)}, expected {expected}");

    private FormatError OutOfRange(string key, JsonElement value, string range) => Error(key, $"is {Shown(value)}, expected {range}");

    private static string Shown(JsonElement value)
    {
        // Lists and objects may be laid out over many lines.
        const int Longest = 60;
        string text = value.GetRawText();
        string start =
            string.Join(' ', text[..Math.Min(text.Length, Longest + 1)].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return Errors.Shown.Text(start, Longest);
    }

    // Null when the value is not written as a whole number. Clamped, so that one too long for Int64 still fails its bounds.
    private static long? Integer(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            return null;
        }

        if (value.TryGetInt64(out long number))
        {
            return number;
        }

        string text = value.GetRawText();
        return text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0 ? null : text[0] == '-' ? long.MinValue : long.MaxValue;
    }
}
