using System.Text.Json;
using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;

namespace SLoRA.AspNetCore.Chat;

/// <summary>The form that an answer is asked for.</summary>
internal static class ResponseFormats
{
    /// <summary>Refuses every form but text: a form that is only hoped for must not look like one that is kept.</summary>
    /// <exception cref="ApiException">It is another form.</exception>
    public static void RequireText(JsonElement format, string parameter)
    {
        string? type = format.ValueKind == JsonValueKind.Object ? ElementText.Member(format, "type", parameter) : null;
        if (type != "text")
        {
            throw ApiException.Unsupported(
                parameter, $"{parameter} of type '{type}' is not supported: output is not constrained here. Use 'text'.");
        }
    }
}
