using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SLoRA.Text.Templates;

/// <summary>
/// JSON as values of the language: whole numbers are integers of any size, numbers written with a fraction or exponent are floats. Of a key
/// that occurs twice, the last value counts; half a surrogate pair is U+FFFD.
/// </summary>
internal static class JsonValues
{
    /// <summary>How deep JSON may nest.</summary>
    private const int MaxDepth = 200;

    /// <summary>Converts JSON and adds its size, in characters and values, to <paramref name="size"/>.</summary>
    public static object? Of(JsonElement element, ref long size, int depth = 0)
    {
        size++;
        if (depth > MaxDepth)
        {
            throw TooDeep();
        }

        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var dict = new TemplateDict();
                foreach (JsonProperty member in element.EnumerateObject())
                {
                    string name = JsonStrings.Name(member);
                    size += name.Length;
                    dict.Set(name, Of(member.Value, ref size, depth + 1));
                }

                return dict;
            case JsonValueKind.Array:
                object?[] items = new object?[element.GetArrayLength()];
                int at = 0;
                foreach (JsonElement item in element.EnumerateArray())
                {
                    items[at++] = Of(item, ref size, depth + 1);
                }

                return new TemplateList(items);
            case JsonValueKind.String:
                string text = JsonStrings.Text(element);
                size += text.Length;
                return text;
            case JsonValueKind.Number:
                return Number(element.GetRawText());
            case JsonValueKind.True:
                return true;
            case JsonValueKind.False:
                return false;
            default:
                return null;
        }
    }

    /// <summary>Converts a node, whether parsed or built by the host.</summary>
    /// <exception cref="ChatTemplateException">It nests too deep, or is no JSON.</exception>
    public static object? Of(JsonNode? node, ref long size)
    {
        try
        {
            return Of(node, ref size, 0);
        }
        catch (Exception error) when (JsonStrings.IsUnreadable(error))
        {
            throw JsonStrings.Unreadable(error);
        }
    }

    private static object? Of(JsonNode? node, ref long size, int depth)
    {
        if (depth > MaxDepth)
        {
            throw TooDeep();
        }

        if (node is JsonObject given && JsonStrings.HasMemberTwice(given, out JsonElement written))
        {
            return Of(written, ref size, depth);
        }

        size++;
        switch (node)
        {
            case null:
                return null;
            case JsonObject members:
                var dict = new TemplateDict(members.Count);
                foreach ((string name, JsonNode? value) in members)
                {
                    size += name.Length;
                    dict.Set(name, Of(value, ref size, depth + 1));
                }

                return dict;
            case JsonArray array:
                object?[] items = new object?[array.Count];
                for (int i = 0; i < items.Length; i++)
                {
                    items[i] = Of(array[i], ref size, depth + 1);
                }

                return new TemplateList(items);
            default:
                JsonValue scalar = node.AsValue();
                // A float that the host put in stays one, although JSON would write 2.0 as 2.
                if (scalar.TryGetValue(out JsonElement element))
                {
                    return Of(element, ref size, depth);
                }

                if (scalar.TryGetValue(out double d))
                {
                    return d;
                }

                if (scalar.TryGetValue(out float f))
                {
                    return (double)f;
                }

                return Of(JsonSerializer.SerializeToElement(scalar, JsonNodeContext.Default.JsonValue), ref size, depth);
        }
    }

    private static object Number(string text)
    {
        if (text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0)
        {
            return double.Parse(text, CultureInfo.InvariantCulture);
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long small))
        {
            return small;
        }

        if (text.Length > 4301)
        {
            throw new ChatTemplateException("template.limit", "an integer of the inputs has more than 4300 digits");
        }

        return BigInteger.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
    }

    private static ChatTemplateException TooDeep() => new("template.limit", $"the inputs nest deeper than {MaxDepth} levels");
}
