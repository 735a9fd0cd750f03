using System.Text.Json;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>A JSON value with the path it was found at, so that every complaint names the place.</summary>
internal readonly struct ConfigNode(JsonElement value, string path)
{
    public string Path { get; } = path;

    public JsonValueKind Kind => value.ValueKind;

    public bool IsNull => value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    /// <summary>A member, or a node that <see cref="IsNull"/> when the member is missing.</summary>
    public ConfigNode this[string name] => new(Kind == JsonValueKind.Object ? Member(name) : default, $"{Path}.{name}");

    /// <summary>The member <c>type</c> of an object that must have it.</summary>
    public string Type
    {
        get
        {
            if (Kind != JsonValueKind.Object)
            {
                throw Wrong("an object with a type");
            }

            return this["type"].String();
        }
    }

    /// <summary>Whether a member is there, be it null.</summary>
    public bool Has(string name) => Kind == JsonValueKind.Object && Member(name).ValueKind != JsonValueKind.Undefined;

    /// <summary>How many components this one holds, itself included: objects with a type, at any depth.</summary>
    public int Components() => Kind switch
    {
        JsonValueKind.Object => (Has("type") ? 1 : 0) + Members().Sum(member => member.Value.Components()),
        JsonValueKind.Array => Items().Sum(item => item.Components()),
        _ => 0,
    };

    public string String()
    {
        if (Kind != JsonValueKind.String)
        {
            throw Wrong("a string");
        }

        return Text();
    }

    public string String(string fallback) => IsNull ? fallback : String();

    public string? OptionalString() => IsNull ? null : String();

    public bool Bool(bool fallback)
    {
        if (IsNull)
        {
            return fallback;
        }

        if (Kind is not (JsonValueKind.True or JsonValueKind.False))
        {
            throw Wrong("true or false");
        }

        return value.GetBoolean();
    }

    public int Int(int fallback)
    {
        if (IsNull)
        {
            return fallback;
        }

        if (Kind != JsonValueKind.Number || !value.TryGetInt32(out int number)
            || number < 0)
        {
            throw Wrong("a number that is not negative and fits 31 bits");
        }

        return number;
    }

    public double? OptionalDouble()
    {
        if (IsNull)
        {
            return null;
        }

        if (Kind != JsonValueKind.Number || !value.TryGetDouble(out double number))
        {
            throw Wrong("a number");
        }

        return number;
    }

    public IEnumerable<ConfigNode> Items()
    {
        if (Kind != JsonValueKind.Array)
        {
            throw Wrong("a list");
        }

        int index = 0;
        foreach (JsonElement item in value.EnumerateArray())
        {
            yield return new ConfigNode(item, $"{Path}[{index++}]");
        }
    }

    public IEnumerable<(string Name, ConfigNode Value)> Members()
    {
        if (Kind != JsonValueKind.Object)
        {
            throw Wrong("an object");
        }

        foreach (JsonProperty member in value.EnumerateObject())
        {
            string name = NameOf(member);
            yield return (name, new ConfigNode(member.Value, $"{Path}.{name}"));
        }
    }

    /// <summary>The one character of a string that must be a single code point.</summary>
    public int CodePoint()
    {
        string text = String();
        int length = text.Length == 0 ? 0 : char.IsSurrogatePair(text, 0) ? 2 : 1;
        if (length == 0 || length != text.Length)
        {
            throw Wrong("a single character");
        }

        return char.ConvertToUtf32(text, 0);
    }

    public TokenizerException Wrong(string expected)
    {
        string found = IsNull ? "nothing" : value.GetRawText();
        if (found.Length > 60)
        {
            found = string.Concat(found.AsSpan(0, 60), "…");
        }

        return TokenizerException.Format($"{Path} must be {expected}; it is {found}.");
    }

    public TokenizerException Unknown(string kind) =>
        TokenizerException.Unsupported($"{Path} is a {kind} of type {Excerpt.Of(Type)}, which is not implemented.");

    private string Text()
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw NotUnicode(e);
        }
    }

    private JsonElement Member(string name)
    {
        try
        {
            return value.TryGetProperty(name, out JsonElement member) ? member : default;
        }
        catch (InvalidOperationException e)
        {
            throw NotUnicode(e);
        }
    }

    private string NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException e)
        {
            throw NotUnicode(e);
        }
    }

    // How the reader says that an escape stands for half a pair.
    private TokenizerException NotUnicode(Exception inner) => TokenizerException.Format($"{Path} holds a lone surrogate.", inner);
}
