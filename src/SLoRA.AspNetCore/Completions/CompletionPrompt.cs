using System.Text.Json;
using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Completions;

/// <summary>The prompt of a plain completion: a text, a list of ids, or a list with one of either.</summary>
internal static class CompletionPrompt
{
    private const string Parameter = "prompt";

    /// <summary>Its ids.</summary>
    /// <exception cref="ApiException">It is something else, or several.</exception>
    public static int[] Encode(JsonElement? prompt, ModelTokenizer tokenizer)
    {
        JsonElement given = prompt ?? throw ApiException.Invalid(Parameter, "The body has no prompt.");
        if (given.ValueKind == JsonValueKind.String)
        {
            return tokenizer.Encode(ElementText.Of(given, Parameter));
        }

        if (given.ValueKind != JsonValueKind.Array || given.GetArrayLength() == 0)
        {
            throw ApiException.Invalid(Parameter, "prompt must be a text or a list of token ids.");
        }

        if (given[0].ValueKind == JsonValueKind.Number)
        {
            return Ids(given, Parameter);
        }

        return given.GetArrayLength() == 1
            ? Encode(given[0], tokenizer)
            : throw ApiException.Unsupported(Parameter, "prompt is a list of several prompts: send a request for each.");
    }

    /// <summary>A list of ids.</summary>
    public static int[] Ids(JsonElement list, string parameter) => [.. list.EnumerateArray().Select(
        item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int id)
            ? id
            : throw ApiException.Invalid(parameter, $"{parameter} has an item that is no token id."))];
}
