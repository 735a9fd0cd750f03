using System.Text.Json.Serialization;

namespace SLoRA.AspNetCore.Json;

/// <summary>The body of a refusal, as OpenAI's clients read it.</summary>
internal sealed record ErrorBody(ErrorDetail Error);

/// <summary>What was wrong.</summary>
internal sealed record ErrorDetail(
    string Message,
    string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Code);
