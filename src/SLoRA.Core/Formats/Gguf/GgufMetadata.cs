using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;

namespace SLoRA.Formats.Gguf;

/// <summary>A value of the metadata.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Value">A <see cref="long"/>, <see cref="double"/>, <see cref="bool"/> or <see cref="string"/>, or an array as the file has
/// it.</param>
/// <param name="ItemType">The type of a list's items.</param>
internal sealed record GgufValue(GgufValueType Type, object Value, GgufValueType ItemType = default);

/// <summary>
/// What a GGUF file says about itself, read by typed questions. Every wrong answer is a <see cref="FormatError"/> of kind
/// <see cref="LoadErrorKind.Config"/> that names the file and the key.
/// </summary>
/// <param name="file">The name that errors call the file by.</param>
/// <param name="values">Its keys.</param>
internal sealed class GgufMetadata(string file, IReadOnlyDictionary<string, GgufValue> values)
{
    private const long DefaultAlignment = 32;
    private const long LargestAlignment = 1 << 20;

    /// <summary>The name that errors call the file by.</summary>
    public string File => file;

    /// <summary>All keys.</summary>
    public IEnumerable<string> Keys => values.Keys;

    /// <summary>Whether a key is there.</summary>
    public bool Has(string key) => values.ContainsKey(key);

    /// <summary>A string.</summary>
    public string Text(string key) => OptionalText(key) ?? throw Missing(key);

    /// <inheritdoc cref="Text"/>
    public string? OptionalText(string key) => Find(key) is not { } value ? null
        : value.Value as string ?? throw WrongType(key, "a string", value);

    /// <summary>True or false.</summary>
    public bool? OptionalBool(string key) => Find(key) is not { } value ? null
        : value.Value is bool flag ? flag : throw WrongType(key, "true or false", value);

    /// <summary>A whole number of any width, within bounds, both included.</summary>
    public long Integer(string key, long smallest, long largest) => OptionalInteger(key, smallest, largest) ?? throw Missing(key);

    /// <inheritdoc cref="Integer"/>
    public long? OptionalInteger(string key, long smallest, long largest)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        long number = value.Value is long whole ? whole : throw WrongType(key, "a whole number", value);
        return number >= smallest && number <= largest
            ? number
            : throw Error(key, string.Create(CultureInfo.InvariantCulture, $"is {number}, expected {smallest} to {largest}"));
    }

    /// <summary>
    /// A finite floating-point number within bounds, both included; <see cref="double.Epsilon"/> as the smallest means positive.
    /// </summary>
    public double Number(string key, double smallest, double largest) => OptionalNumber(key, smallest, largest) ?? throw Missing(key);

    /// <inheritdoc cref="Number"/>
    public double? OptionalNumber(string key, double smallest, double largest)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        double number = value.Value is double some ? some : throw WrongType(key, "a floating-point number", value);
        return number >= smallest && number <= largest && double.IsFinite(number)
            ? number
            : throw Error(key, string.Create(CultureInfo.InvariantCulture,
                $"is {number}, expected {(smallest == double.Epsilon ? "more than 0, at most" : $"{smallest:R} to")} {largest:R}"));
    }

    /// <summary>A list of strings.</summary>
    public ImmutableArray<string>? OptionalTexts(string key) => Find(key) is not { } value ? null
        : value.Value is string[] texts ? ImmutableArray.Create(texts) : throw WrongType(key, "a list of strings", value);

    /// <summary>A list of whole numbers of any width.</summary>
    public ImmutableArray<long>? OptionalIntegers(string key) => Find(key) is not { } value ? null
        : value.Type != GgufValueType.List ? throw WrongType(key, "a list of whole numbers", value)
        // By the type in the file: to the runtime a list of signed numbers is one of unsigned ones, too.
        : value.ItemType switch
        {
            GgufValueType.U8 => Widened((byte[])value.Value),
            GgufValueType.I8 => Widened((sbyte[])value.Value),
            GgufValueType.U16 => Widened((ushort[])value.Value),
            GgufValueType.I16 => Widened((short[])value.Value),
            GgufValueType.U32 => Widened((uint[])value.Value),
            GgufValueType.I32 => Widened((int[])value.Value),
            GgufValueType.U64 => Widened((ulong[])value.Value),
            GgufValueType.I64 => Widened((long[])value.Value),
            _ => throw WrongType(key, "a list of whole numbers", value),
        };

    /// <summary>A list of floating-point numbers.</summary>
    public ImmutableArray<double>? OptionalNumbers(string key) => Find(key) is not { } value ? null : value.Value switch
    {
        float[] items => [.. items.Select(item => (double)item)],
        double[] items => ImmutableArray.Create(items),
        _ => throw WrongType(key, "a list of floating-point numbers", value),
    };

    /// <summary>Whether a key is there and has a list.</summary>
    public bool IsList(string key) => Find(key)?.Type == GgufValueType.List;

    /// <summary>A list of true and false.</summary>
    public ImmutableArray<bool>? OptionalBools(string key) => Find(key) is not { } value ? null
        : value is { ItemType: GgufValueType.Bool, Value: byte[] flags } ? [.. flags.Select(flag => flag != 0)]
        : throw WrongType(key, "a list of true and false", value);

    /// <summary>Whether a key is there and says something else than false, 0, none, or nothing.</summary>
    public bool IsOn(string key) => Find(key)?.Value switch
    {
        null or false or 0L or 0.0 or "" or "none" => false,
        Array items => items.Length > 0,
        _ => true,
    };

    /// <summary>The value of a key, cut to what a message can bear.</summary>
    public string Shown(string key) => Find(key) is { } value ? Shown(value) : "missing";

    /// <summary>An error about a key: the rest of a sentence that begins with the key.</summary>
    public FormatError Error(string key, string problem) => new(LoadErrorKind.Config, file, key, problem);

    /// <summary>The refusal of a value that is well-formed but not served.</summary>
    public FormatError Refusal(string key, string problem) => new(LoadErrorKind.Incompatible, file, key, problem);

    /// <summary>What offsets of tensors are multiples of.</summary>
    public long AlignmentOf(string key)
    {
        long alignment = OptionalInteger(key, 1, LargestAlignment) ?? DefaultAlignment;
        return BitOperations.IsPow2(alignment) ? alignment : throw Error(key, $"is {alignment}, no power of two");
    }

    private static ImmutableArray<long> Widened<T>(T[] items)
        where T : INumberBase<T> => [.. items.Select(long.CreateSaturating)];

    private GgufValue? Find(string key) => values.GetValueOrDefault(key);

    private FormatError Missing(string key) => Error(key, "is missing");

    private FormatError WrongType(string key, string expected, GgufValue value) => Error(key, $"is {Shown(value)}, expected {expected}");

    private static string Shown(GgufValue value) => value switch
    {
        { Type: GgufValueType.List, Value: Array items } => $"a list of {items.Length} values of type {value.ItemType}",
        { Value: string text } => Errors.Shown.Name(text),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value.Value} of type {value.Type}"),
    };
}
