using System.Text.Json.Nodes;
using SLoRA.AspNetCore.Chat;
using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;
using SLoRA.AspNetCore.Serving;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Responses;

/// <summary><c>POST /v1/responses</c>, without anything kept: who goes on sends the items again.</summary>
internal static class ResponseEndpoint
{
    private const int MostTopLogprobs = 20;
    private const string Logprobs = "message.output_text.logprobs";

    public static async Task HandleAsync(HttpContext http, ModelServer server)
    {
        ResponseBody body = await RequestBody.ReadAsync(http, ApiJson.Default.ResponseBody, server.Options.MaxBodyBytes)
            .ConfigureAwait(false);
        string id = $"resp_{Guid.NewGuid():N}";
        ChatTurn turn = Turn(body, http, server, id);
        TextGeneration generation = server.Generator.GenerateAsync(turn.Request, http.RequestAborted);
        var shape = new ResponseShape(id, body, turn.Request, server);
        await (body.Stream ?? false
            ? StreamAsync(http, server, shape, turn, generation)
            : CompleteAsync(http, server, shape, turn, generation)).ConfigureAwait(false);
    }

    private static ChatTurn Turn(ResponseBody body, HttpContext http, ModelServer server, string id)
    {
        Check(body);
        GenerationOptions options = GenerationFields.Options(body, http, server, id) with
        {
            MaxTokens = GenerationFields.MaxTokens(body.MaxOutputTokens, "max_output_tokens", server),
            LogProbabilities = (body.Include ?? []).Contains(Logprobs) || body.TopLogprobs > 0
                ? new LogProbabilityOptions { TopCount = body.TopLogprobs ?? 0 }
                : null,
        };
        var prompt = new ChatPrompt(
            ResponseInput.Read(body.Instructions, body.Input, server.Form),
            ToolSet.Read(body.Tools, body.ToolChoice, body.ParallelToolCalls))
        {
            ReasoningEffort = body.Reasoning?.Effort,
        };
        return ChatTurn.Of(server, prompt, options, GenerationFields.Stops(body.Stop), "input");
    }

    private static void Check(ResponseBody body)
    {
        if (body.N is not null and not 1)
        {
            throw ApiException.Unsupported("n", "A response is one answer: n must be 1.");
        }

        if (body.MaxTokens is not null)
        {
            throw ApiException.Unsupported("max_tokens", "Use max_output_tokens.");
        }

        if (body.Text?.Format is { ValueKind: not System.Text.Json.JsonValueKind.Null } format)
        {
            ResponseFormats.RequireText(format, "text");
        }

        if (body.TopLogprobs is < 0 or > MostTopLogprobs)
        {
            throw ApiException.Invalid("top_logprobs", $"top_logprobs is {body.TopLogprobs}; it must be between 0 and {MostTopLogprobs}.");
        }

        // Thoughts are never encrypted here, so there is nothing to include.
        if ((body.Include ?? []).FirstOrDefault(item => item is not (Logprobs or "reasoning.encrypted_content")) is { } unknown)
        {
            throw ApiException.Unsupported("include", $"include names '{unknown}', which this server has not.");
        }
    }

    private static async Task CompleteAsync(
        HttpContext http, ModelServer server, ResponseShape shape, ChatTurn turn, TextGeneration generation)
    {
        var output = new ResponseOutput((_, _) => ValueTask.CompletedTask);
        bool isComplete = await FillAsync(output, server, turn, generation, null).ConfigureAwait(false);
        JsonObject response = shape.Ended(isComplete, output.Items, generation.Tokens.Usage!);
        await JsonAnswer.WriteAsync(http, response, ApiJson.Default.JsonObject).ConfigureAwait(false);
    }

    private static async Task StreamAsync(
        HttpContext http, ModelServer server, ResponseShape shape, ChatTurn turn, TextGeneration generation)
    {
        using var events = new EventStream(http);
        int number = 0;
        var output = new ResponseOutput(SendAsync);
        try
        {
            bool isComplete = await FillAsync(output, server, turn, generation, BeginAsync).ConfigureAwait(false);
            await SendAsync(
                isComplete ? "response.completed" : "response.incomplete",
                OfResponse(shape.Ended(isComplete, output.Items, generation.Tokens.Usage!))).ConfigureAwait(false);
        }
        catch (SLoraException error) when (http.Response.HasStarted && !http.RequestAborted.IsCancellationRequested)
        {
            await SendAsync("response.failed", OfResponse(shape.Failed(output.Items, ApiError.Of(error)))).ConfigureAwait(false);
        }

        async ValueTask BeginAsync()
        {
            await SendAsync("response.created", OfResponse(shape.Begun())).ConfigureAwait(false);
            await SendAsync("response.in_progress", OfResponse(shape.Begun())).ConfigureAwait(false);
        }

        ValueTask SendAsync(string name, JsonObject data)
        {
            data.Insert(0, "type", name);
            data.Insert(1, "sequence_number", number++);
            return events.SendAsync(data, ApiJson.Default.JsonObject, name);
        }
    }

    /// <summary>Reads the whole answer into items; calls <c>begin</c> when the engine has begun to answer, before the first item.</summary>
    /// <returns>Whether the model has come to its end, and not to the limit of tokens.</returns>
    private static async Task<bool> FillAsync(
        ResponseOutput output, ModelServer server, ChatTurn turn, TextGeneration generation, Func<ValueTask>? begin)
    {
        ReplyReader reader = turn.CreateReader();
        bool hasLogprobs = turn.Request.LogProbabilities is not null;
        bool isComplete = true;
        await foreach (TextUpdate update in generation.ConfigureAwait(false))
        {
            if (begin is not null)
            {
                await begin().ConfigureAwait(false);
                begin = null;
            }

            TokenLogprob? token = hasLogprobs && update.End is null ? TokenTexts.Of(update.Update.Token, generation.Tokenizer) : null;
            ReplyPiece piece = reader.Read(update);
            await output.AddAsync(piece, token).ConfigureAwait(false);
            isComplete = piece.FinishReason != "length";
        }

        await output.EndAsync(isComplete ? "completed" : "incomplete").ConfigureAwait(false);
        return isComplete;
    }

    private static JsonObject OfResponse(JsonObject response) => new() { ["response"] = response };
}
