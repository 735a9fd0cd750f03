using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;
using SLoRA.AspNetCore.Serving;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Chat;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal static class ChatCompletions
{
    private const int MostTopLogprobs = 20;

    public static async Task HandleAsync(HttpContext http, ModelServer server)
    {
        ChatCompletionBody body = await RequestBody.ReadAsync(http, ApiJson.Default.ChatCompletionBody, server.Options.MaxBodyBytes)
            .ConfigureAwait(false);
        string id = $"chatcmpl-{Guid.NewGuid():N}";
        ChatTurn turn = Turn(body, http, server, id);
        TextGeneration generation = server.Generator.GenerateAsync(turn.Request, http.RequestAborted);
        var answer = new ChatCompletionAnswer(id, server, body, turn, generation);
        await (body.Stream ?? false ? answer.StreamAsync(http) : answer.CompleteAsync(http)).ConfigureAwait(false);
    }

    private static ChatTurn Turn(ChatCompletionBody body, HttpContext http, ModelServer server, string id)
    {
        if (body.ResponseFormat is { ValueKind: not System.Text.Json.JsonValueKind.Null } format)
        {
            ResponseFormats.RequireText(format, "response_format");
        }

        if (body.MaxTokens is not null && body.MaxCompletionTokens is not null && body.MaxTokens != body.MaxCompletionTokens)
        {
            throw ApiException.Invalid("max_tokens", "max_tokens and max_completion_tokens are both given and differ.");
        }

        GenerationOptions options = GenerationFields.Options(body, http, server, id) with { LogProbabilities = LogProbabilities(body) };
        if (body.MaxCompletionTokens is not null)
        {
            options = options with { MaxTokens = GenerationFields.MaxTokens(body.MaxCompletionTokens, "max_completion_tokens", server) };
        }

        var prompt = new ChatPrompt(
            ChatMessages.Read(body.Messages, server.Form), ToolSet.Read(body.Tools, body.ToolChoice, body.ParallelToolCalls))
        {
            ReasoningEffort = body.ReasoningEffort,
        };
        return ChatTurn.Of(server, prompt, options, GenerationFields.Stops(body.Stop));
    }

    private static LogProbabilityOptions? LogProbabilities(ChatCompletionBody body)
    {
        int top = body.TopLogprobs ?? 0;
        if (top is < 0 or > MostTopLogprobs)
        {
            throw ApiException.Invalid("top_logprobs", $"top_logprobs is {top}; it must be between 0 and {MostTopLogprobs}.");
        }

        bool wanted = body.Logprobs ?? false;
        return wanted || top == 0
            ? (wanted ? new LogProbabilityOptions { TopCount = top } : null)
            : throw ApiException.Invalid("top_logprobs", "top_logprobs is given without logprobs being true.");
    }
}
