using System.Text.Json;
using System.Text.Json.Nodes;
using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;
using SLoRA.AspNetCore.Serving;

namespace SLoRA.AspNetCore.Responses;

/// <summary>The response object: what was asked, what has come of it.</summary>
/// <param name="id">Its id.</param>
/// <param name="body">What was asked.</param>
/// <param name="request">The same as the engine was asked.</param>
/// <param name="server">Who serves it.</param>
internal sealed class ResponseShape(string id, ResponseBody body, GenerationOptions request, ModelServer server)
{
    private readonly long _created = server.Now;

    /// <summary>A response that has begun.</summary>
    public JsonObject Begun() => Of("in_progress", []);

    /// <summary>A response that has ended, as the limit of tokens or the model has it.</summary>
    public JsonObject Ended(bool isComplete, JsonArray items, GenerationUsage usage)
    {
        JsonObject response = Of(isComplete ? "completed" : "incomplete", items);
        bool thinks = items.Any(item => (string?)item!["type"] == "reasoning");
        response["incomplete_details"] = isComplete ? null : new JsonObject { ["reason"] = "max_output_tokens" };
        response["usage"] = new JsonObject
        {
            ["input_tokens"] = usage.PromptTokens,
            ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = usage.CachedPromptTokens },
            ["output_tokens"] = usage.GeneratedTokens,
            ["total_tokens"] = usage.PromptTokens + usage.GeneratedTokens,
        };
        if (!thinks)
        {
            // Which tokens were thoughts cannot be told exactly: text is held back for stop strings, and comes with later tokens.
            response["usage"]!["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = 0 };
        }

        response["system_fingerprint"] = usage.Generations.FirstOrDefault();
        return response;
    }

    /// <summary>A response that an error has ended.</summary>
    public JsonObject Failed(JsonArray items, ApiError error)
    {
        JsonObject response = Of("failed", items);
        response["error"] = new JsonObject { ["code"] = error.Body.Error.Code, ["message"] = error.Body.Error.Message };
        return response;
    }

    private JsonObject Of(string status, JsonArray items) => new()
    {
        ["id"] = id,
        ["object"] = "response",
        ["created_at"] = _created,
        ["status"] = status,
        ["error"] = null,
        ["incomplete_details"] = null,
        ["instructions"] = body.Instructions,
        ["max_output_tokens"] = body.MaxOutputTokens,
        ["metadata"] = new JsonObject(),
        ["model"] = body.Model,
        ["output"] = items,
        ["parallel_tool_calls"] = body.ParallelToolCalls ?? true,
        ["previous_response_id"] = null,
        ["reasoning"] = new JsonObject { ["effort"] = body.Reasoning?.Effort, ["summary"] = null },
        ["store"] = false,
        ["temperature"] = request.Sampling.Temperature,
        ["text"] = new JsonObject { ["format"] = new JsonObject { ["type"] = "text" } },
        ["tool_choice"] = Given(body.ToolChoice) ?? "auto",
        ["tools"] = Given(body.Tools) ?? new JsonArray(),
        ["top_p"] = request.Sampling.TopP,
        ["truncation"] = "disabled",
        ["usage"] = null,
    };

    private static JsonNode? Given(JsonElement? value) =>
        value is { ValueKind: not JsonValueKind.Null } given ? JsonNode.Parse(given.GetRawText()) : null;
}
