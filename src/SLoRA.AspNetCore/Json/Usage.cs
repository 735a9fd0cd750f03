namespace SLoRA.AspNetCore.Json;

/// <summary>Tokens of a request.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokensDetails PromptTokensDetails)
{
    public static Usage Of(GenerationUsage usage) => new(
        usage.PromptTokens, usage.GeneratedTokens, usage.PromptTokens + usage.GeneratedTokens, new(usage.CachedPromptTokens));
}

/// <summary>Tokens of the prompt whose keys and values were there.</summary>
internal sealed record PromptTokensDetails(int CachedTokens);
