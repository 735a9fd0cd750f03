using System.Text.Json;
using System.Text.Json.Nodes;
using SLoRA.Extensions.AI.Replies.Json;

namespace SLoRA.Extensions.AI.Replies;

/// <summary>What a JSON schema allows a parameter to be, and so what a value means that was written without quotes.</summary>
/// <param name="Kinds">The names of types; empty where the schema says nothing.</param>
internal sealed record ParameterType(IReadOnlySet<string> Kinds)
{
    // Deeper than any schema nests alternatives; schemas come from the host, references in them may be circular.
    private const int MaxDepth = 8;

    public static ParameterType Text { get; } = new(new HashSet<string>());

    /// <summary>The type of a property of a schema of an object.</summary>
    public static ParameterType Of(JsonElement schema, string property)
    {
        var kinds = new HashSet<string>(StringComparer.Ordinal);
        if (Member(schema, "properties") is { } properties && Member(properties, property) is { } declared)
        {
            Collect(declared, schema, kinds, [], 0);
        }

        return new ParameterType(kinds);
    }

    /// <summary>
    /// The JSON value of a text: read as JSON where the type is one that JSON writes without quotes, else, or where it does not convert,
    /// the text.
    /// </summary>
    public JsonNode? Read(string text)
    {
        string trimmed = text.Trim();
        if (Kinds.Contains("null") && trimmed is "null" or "None")
        {
            return null;
        }

        if (Kinds.Contains("string") || Kinds.Count == 0)
        {
            return JsonValue.Create(text);
        }

        if (Kinds.Contains("boolean") && trimmed is "true" or "True" or "false" or "False")
        {
            return JsonValue.Create(trimmed is "true" or "True");
        }

        return FromJson(trimmed) ?? JsonValue.Create(text);
    }

    private JsonNode? FromJson(string text)
    {
        // As the only item of an array, so that a number's end is seen as well.
        string item = $"[{text}]";
        if (new JsonScanner().Scan(item, out int read) != Reading.Match.Yes || read != item.Length)
        {
            return null;
        }

        using JsonDocument document = JsonDocument.Parse(item, new JsonDocumentOptions { MaxDepth = JsonScanner.MaxDepth + 1 });
        if (document.RootElement.GetArrayLength() != 1)
        {
            return null;
        }

        JsonElement value = document.RootElement[0];
        bool fits = value.ValueKind switch
        {
            JsonValueKind.Object => Kinds.Contains("object"),
            JsonValueKind.Array => Kinds.Contains("array"),
            JsonValueKind.Number => Kinds.Contains("number") || (Kinds.Contains("integer") && text.AsSpan().IndexOfAny(".eE") < 0),
            _ => false,
        };
        return fits ? JsonNode.Parse(value.ValueKind == JsonValueKind.Number ? text : UniqueKeys.Of(value)) : null;
    }

    // Each reference is followed once: a second time it would add the same names.
    private static void Collect(JsonElement schema, JsonElement root, HashSet<string> kinds, HashSet<string> followed, int depth)
    {
        if (depth > MaxDepth)
        {
            return;
        }

        if (Member(schema, "type") is { } type)
        {
            foreach (JsonElement name in type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray()] : new[] { type })
            {
                if (name.ValueKind == JsonValueKind.String)
                {
                    kinds.Add(name.GetString()!);
                }
            }
        }

        foreach (string alternatives in (string[])["anyOf", "oneOf", "allOf"])
        {
            if (Member(schema, alternatives) is { ValueKind: JsonValueKind.Array } items)
            {
                foreach (JsonElement item in items.EnumerateArray())
                {
                    Collect(item, root, kinds, followed, depth + 1);
                }
            }
        }

        if (Member(schema, "$ref") is { ValueKind: JsonValueKind.String } reference && followed.Add(reference.GetString()!)
            && Find(reference.GetString()!, root) is { } target)
        {
            Collect(target, root, kinds, followed, depth + 1);
        }
    }

    // A reference within the schema: #/$defs/Address.
    private static JsonElement? Find(string reference, JsonElement root)
    {
        if (!reference.StartsWith("#/", StringComparison.Ordinal))
        {
            return null;
        }

        JsonElement? found = root;
        foreach (string name in reference[2..].Split('/'))
        {
            string key = name.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            found = found is { } parent ? Member(parent, key) : null;
        }

        return found;
    }

    private static JsonElement? Member(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out JsonElement member) ? member : null;
}
