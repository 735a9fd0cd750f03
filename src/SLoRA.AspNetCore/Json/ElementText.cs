using System.Text.Json;
using SLoRA.AspNetCore.Errors;

namespace SLoRA.AspNetCore.Json;

/// <summary>Texts in values whose form is looked at by hand.</summary>
internal static class ElementText
{
    /// <summary>A text.</summary>
    /// <param name="value">The value.</param>
    /// <param name="parameter">What it is called in messages.</param>
    /// <exception cref="ApiException">It is no text, or one with half of a character in it.</exception>
    public static string Of(JsonElement value, string parameter)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String
                ? value.GetString()!
                : throw ApiException.Invalid(parameter, $"{parameter} must be a text.");
        }
        catch (InvalidOperationException)
        {
            throw ApiException.Invalid(parameter, $"{parameter} holds half of a surrogate pair.");
        }
    }

    /// <summary>A member that is a text; null where it is null or left out.</summary>
    public static string? Member(JsonElement owner, string name, string parameter) =>
        owner.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? Of(value, $"{parameter}.{name}")
            : null;
}
