using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using SLoRA.Text;

namespace SLoRA.Extensions.AI.Chat;

/// <summary>Translates chat options: how tokens are chosen, when to stop, which adapter.</summary>
internal static class RequestOptions
{
    /// <summary>Refuses what would need a memory of earlier requests.</summary>
    public static void RefuseState(ChatOptions options)
    {
        if (options.ConversationId is not null)
        {
            throw new InvalidRequestException(nameof(ChatOptions.ConversationId),
                "ConversationId is set; no conversation is kept here, so give all of its messages.");
        }

        if (options.ContinuationToken is not null)
        {
            throw new InvalidRequestException(nameof(ChatOptions.ContinuationToken),
                "ContinuationToken is set; an answer that was left cannot be taken up again.");
        }
    }

    /// <summary>The request without its messages and tools.</summary>
    public static TextRequest ToRequest(ChatModel model, string? adapter, ChatOptions options, IChatClient client)
    {
        GenerationOptions? raw = options.RawRepresentationFactory?.Invoke(client) as GenerationOptions;
        if (raw is { Continuations: not 1 })
        {
            throw new InvalidRequestException(nameof(GenerationOptions.Continuations),
                "Continuations is not 1; a chat client has one answer to a request.");
        }

        var request = new TextRequest(raw ?? new GenerationOptions { Sampling = model.Options.Sampling ?? DefaultSampling(model) })
        {
            StopStrings = [.. options.StopSequences ?? []],
            Rendering = Rendering(model.Options, options.Reasoning),
        };
        request = Routed(request, model, adapter, options.ModelId);
        request = request with
        {
            MaxTokens = options.MaxOutputTokens ?? request.MaxTokens,
            Sampling = Sampling(request.Sampling, options),
        };
        return options.AdditionalProperties is { } properties ? SLoraProperties.Apply(request, properties) : request;
    }

    private static SamplingOptions DefaultSampling(ChatModel model) => SamplingOptions.FromModel(model.Engine.Model);

    // The request's own word goes first, then raw options, then the client's adapter.
    private static TextRequest Routed(TextRequest request, ChatModel model, string? adapter, string? modelId)
    {
        if (string.IsNullOrEmpty(modelId))
        {
            return request.Adapter is null && request.Adapters is null or { Count: 0 } ? request with { Adapter = adapter } : request;
        }

        return request with { Adapter = modelId == model.Name ? null : modelId, Adapters = [] };
    }

    private static SamplingOptions Sampling(SamplingOptions start, ChatOptions options) => start with
    {
        Temperature = options.Temperature ?? start.Temperature,
        TopP = options.TopP ?? start.TopP,
        TopK = options.TopK ?? start.TopK,
        FrequencyPenalty = options.FrequencyPenalty ?? start.FrequencyPenalty,
        PresencePenalty = options.PresencePenalty ?? start.PresencePenalty,
        Seed = options.Seed ?? start.Seed,
    };

    private static ChatRenderOptions Rendering(LoraChatOptions options, ReasoningOptions? reasoning)
    {
        ChatRenderOptions rendering = options.Rendering with { ContentAsText = options.ContentAsText, AddGenerationPrompt = true };
        if (reasoning?.Effort is not { } effort)
        {
            return rendering;
        }

        // Each of these names is the one that some templates read.
        var variables = new Dictionary<string, JsonNode?>(rendering.Variables, StringComparer.Ordinal);
        variables["enable_thinking"] = variables["thinking"] = effort != ReasoningEffort.None;
        if (effort != ReasoningEffort.None)
        {
            variables["reasoning_effort"] = effort switch
            {
                ReasoningEffort.Low => "low",
                ReasoningEffort.Medium => "medium",
                _ => "high",
            };
        }

        return rendering with { Variables = variables };
    }
}
