using System.Text.Json;
using SLoRA.AspNetCore.Errors;

namespace SLoRA.AspNetCore.Serving;

/// <summary>
/// Members of a body that no endpoint reads. What only concerns OpenAI's own service is ignored, what would change the answer is refused by
/// name, and so is what nobody knows: a misspelt member must not pass for one that was heeded.
/// </summary>
internal static class FieldRules
{
    private static readonly HashSet<string> Ignored = new(StringComparer.Ordinal)
    {
        "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
        "max_tool_calls",
    };

    private static readonly Dictionary<string, string> Refused = new(StringComparer.Ordinal)
    {
        ["functions"] = "use tools",
        ["function_call"] = "use tool_choice",
        ["audio"] = "this server speaks text alone",
        ["modalities"] = "this server speaks text alone",
        ["prediction"] = "predicted outputs are not served",
        ["web_search_options"] = "this server searches nothing",
        ["previous_response_id"] = "this server keeps nothing; send the items again",
        ["conversation"] = "this server keeps nothing; send the items again",
        ["prompt"] = "this server keeps no prompts",
        ["background"] = "answers come on the request's own connection",
        ["truncation"] = "nothing is left out of a prompt",
        ["context_management"] = "nothing is left out of a prompt",
        ["verbosity"] = "say it in the messages",
        ["suffix"] = "text is continued, not filled in",
        ["response_format"] = "output is not constrained here",
        ["guided_json"] = "output is not constrained here",
        ["guided_regex"] = "output is not constrained here",
        ["guided_choice"] = "output is not constrained here",
        ["structured_outputs"] = "output is not constrained here",
        ["chat_template"] = "the model's own template is used",
        ["chat_template_kwargs"] = "the template's variables are the server's",
    };

    /// <summary>Checks what was given besides the members that are read; null counts as left out.</summary>
    /// <exception cref="ApiException">One of them is not served.</exception>
    public static void Check(Dictionary<string, JsonElement>? others)
    {
        foreach ((string name, JsonElement value) in others ?? [])
        {
            if (value.ValueKind == JsonValueKind.Null || Ignored.Contains(name) || IsHarmless(name, value))
            {
                continue;
            }

            throw Refused.TryGetValue(name, out string? reason)
                ? ApiException.Unsupported(name, $"'{name}' is not supported: {reason}.")
                : new ApiException(
                    StatusCodes.Status400BadRequest, "unknown_parameter", $"Unrecognized request argument supplied: {name}", name);
        }
    }

    /// <summary>Whether a value of a member that is else refused says what is done here anyway.</summary>
    private static bool IsHarmless(string name, JsonElement value) => name switch
    {
        "modalities" => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(modality => Is(modality, "text")),
        "truncation" => Is(value, "disabled"),
        "background" => value.ValueKind == JsonValueKind.False,
        _ => false,
    };

    private static bool Is(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.ValueEquals(text);
}
