using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using SLoRA.Text;

namespace SLoRA.Extensions.AI.Chat;

/// <summary>The additional properties of a request whose names begin with <c>slora.</c>; those of others are left alone.</summary>
internal static class SLoraProperties
{
    private const string Prefix = "slora.";

    /// <summary>A request with what the properties say.</summary>
    /// <exception cref="InvalidRequestException">A name is unknown, or a value is not of its type.</exception>
    public static TextRequest Apply(TextRequest request, AdditionalPropertiesDictionary properties)
    {
        foreach ((string name, object? value) in properties)
        {
            if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                request = Apply(request, name, ElementOf(name, value));
            }
        }

        return request;
    }

    private static TextRequest Apply(TextRequest request, string name, JsonElement value) => name.ToLowerInvariant() switch
    {
        "slora.adapter_scale" => Scaled(request, name, Number(name, value)),
        "slora.min_p" => request with { Sampling = request.Sampling with { MinP = Number(name, value) } },
        "slora.repetition_penalty" => request with { Sampling = request.Sampling with { RepetitionPenalty = Number(name, value) } },
        "slora.ignore_eos" => request with { IgnoreEndOfText = Flag(name, value) },
        "slora.deadline_ms" => request with { Deadline = Milliseconds(name, value) },
        "slora.cache_salt" => request with { CacheSalt = Text(name, value) },
        "slora.client_id" => request with { ClientId = Text(name, value) },
        "slora.request_id" => request with { RequestId = Text(name, value) },
        "slora.template_variables" => WithVariables(request, name, value),
        _ => throw new InvalidRequestException(name, $"There is no property '{name}'; see the documentation for those that there are."),
    };

    private static TextRequest Scaled(TextRequest request, string name, float scale) => request.Adapter is { } adapter
        ? request with { Adapter = null, Adapters = [new AdapterUse(adapter, scale)] }
        : throw new InvalidRequestException(name, $"{name} is set, and the request has no one adapter that it could scale.");

    private static TextRequest WithVariables(TextRequest request, string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            throw Wrong(name, "an object");
        }

        var variables = new Dictionary<string, JsonNode?>(request.Rendering!.Variables, StringComparer.Ordinal);
        foreach (JsonProperty variable in value.EnumerateObject())
        {
            if (variable.Name is "messages" or "tools" or "documents" or "add_generation_prompt")
            {
                throw new InvalidRequestException(name, $"{name} sets '{variable.Name}', which is the conversation's.");
            }

            variables[variable.Name] = JsonNode.Parse(variable.Value.GetRawText());
        }

        return request with { Rendering = request.Rendering with { Variables = variables } };
    }

    // Values may have come as JSON or as objects: as JSON they are all alike.
    private static JsonElement ElementOf(string name, object? value)
    {
        try
        {
            return JsonSerializer.SerializeToElement(value, ChatJson.Options);
        }
        catch (Exception error) when (error is JsonException or NotSupportedException or ArgumentException)
        {
            throw new InvalidRequestException(name, $"{name} is no value of JSON: {error.Message}", error);
        }
    }

    private static float Number(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out float number) ? number : throw Wrong(name, "a number");

    private static TimeSpan Milliseconds(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number is > 0 and <= int.MaxValue
            ? TimeSpan.FromMilliseconds(number)
            : throw Wrong(name, "a whole number of milliseconds from 1 to 2147483647");

    private static bool Flag(string name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, "true or false"),
    };

    private static string Text(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(name, "text");

    private static InvalidRequestException Wrong(string name, string expected) => new(name, $"{name} must be {expected}.");
}
