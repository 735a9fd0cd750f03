using System.Text.Json;

namespace SLoRA.Extensions.AI.Replies.Json;

/// <summary>Makes a call of a JSON object with a name and arguments.</summary>
internal static class CallObject
{
    /// <summary>The call that an object is behind a marker: any name, and arguments may be left out.</summary>
    public static ToolCall? ReadMarked(string json)
    {
        using JsonDocument? document = Parse(json);
        return document is null ? null : Read(document.RootElement, declared: null);
    }

    /// <summary>The call that an object is without a marker: a declared name, and arguments.</summary>
    public static ToolCall? ReadUnmarked(string json, DeclaredTools declared)
    {
        using JsonDocument? document = Parse(json);
        return document is null ? null : Read(document.RootElement, declared);
    }

    /// <summary>The calls of an object, or of an array of them, in the plain form or OpenAI's; null where one of them is no call.</summary>
    public static List<ToolCall>? ReadAnswer(string json, DeclaredTools declared)
    {
        using JsonDocument? document = Parse(json);
        if (document is null)
        {
            return null;
        }

        var calls = new List<ToolCall>();
        JsonElement root = document.RootElement;
        JsonElement[] items = root.ValueKind == JsonValueKind.Array ? [.. root.EnumerateArray()] : [root];
        foreach (JsonElement item in items)
        {
            if (item.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            bool isWrapped = !item.TryGetProperty("name", out _) && item.TryGetProperty("function", out JsonElement function)
                && function.ValueKind == JsonValueKind.Object;
            if (Read(isWrapped ? item.GetProperty("function") : item, declared) is not { } call)
            {
                return null;
            }

            calls.Add(call);
        }

        return calls.Count > 0 ? calls : null;
    }

    /// <summary>The arguments that a JSON text is: an object, or null.</summary>
    public static string? ReadArguments(string json)
    {
        using JsonDocument? document = Parse(json);
        return document is null ? null : Arguments(document.RootElement);
    }

    private static ToolCall? Read(JsonElement body, DeclaredTools? declared)
    {
        if (!body.TryGetProperty("name", out JsonElement nameElement) || nameElement.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        string name = nameElement.GetString()!;
        bool hasArguments = body.TryGetProperty("arguments", out JsonElement element) || body.TryGetProperty("parameters", out element);
        if (name.Length == 0 || (declared is not null && (!hasArguments || !declared.Has(name))))
        {
            return null;
        }

        string? arguments = hasArguments ? Arguments(element) : "{}";
        bool hasId = body.TryGetProperty("id", out JsonElement idElement) && idElement.ValueKind == JsonValueKind.String;
        string? id = hasId ? idElement.GetString() : null;
        return arguments is null ? null : new ToolCall(name, arguments, string.IsNullOrEmpty(id) ? null : id);
    }

    private static string? Arguments(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Null => "{}",
        JsonValueKind.Object => UniqueKeys.Of(element),
        JsonValueKind.String when JsonScanner.IsObject(element.GetString()) => ReadArguments(element.GetString()!),
        _ => null,
    };

    // Only what a scanner has accepted gets here, so this fails on what the two see differently, if anything.
    private static JsonDocument? Parse(string json)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
