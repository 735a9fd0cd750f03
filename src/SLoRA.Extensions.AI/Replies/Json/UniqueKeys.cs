using System.Text.Json;

namespace SLoRA.Extensions.AI.Replies.Json;

/// <summary>Writes an object so that every reader sees the same: of a key that is there twice the last value counts.</summary>
internal static class UniqueKeys
{
    private static readonly JsonDocumentOptions Unique = new() { AllowDuplicateProperties = false };

    /// <summary>The object as it was written, where no key in it is there twice; else written anew.</summary>
    public static string Of(JsonElement value)
    {
        string text = value.GetRawText();
        try
        {
            using JsonDocument unique = JsonDocument.Parse(text, Unique);
            return text;
        }
        catch (JsonException)
        {
            return RelaxedJson.Write(writer => Write(value, writer));
        }
    }

    private static void Write(JsonElement value, Utf8JsonWriter writer)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var last = new OrderedDictionary<string, JsonElement>();
                foreach (JsonProperty member in value.EnumerateObject())
                {
                    last[member.Name] = member.Value;
                }

                writer.WriteStartObject();
                foreach ((string name, JsonElement member) in last)
                {
                    writer.WritePropertyName(name);
                    Write(member, writer);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                {
                    Write(item, writer);
                }

                writer.WriteEndArray();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
