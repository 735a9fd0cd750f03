using System.Text.Json;

namespace SLoRA.AspNetCore.Errors;

/// <summary>Properties of the engine's requests, as bodies name them.</summary>
internal static class ParameterNames
{
    /// <summary>The member of the body that a property comes from.</summary>
    public static string Of(string property) => property switch
    {
        nameof(GenerationOptions.Continuations) => "n",
        nameof(GenerationOptions.Adapter) => "model",
        nameof(GenerationOptions.StopTokens) => "stop_token_ids",
        nameof(Text.TextRequest.StopStrings) => "stop",
        nameof(LogProbabilityOptions.TopCount) => "top_logprobs",
        nameof(GenerationOptions.RequestId) => "x-request-id",
        _ => JsonNamingPolicy.SnakeCaseLower.ConvertName(property),
    };
}
