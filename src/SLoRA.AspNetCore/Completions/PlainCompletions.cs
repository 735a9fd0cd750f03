using System.Text;
using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;
using SLoRA.AspNetCore.Serving;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Completions;

/// <summary><c>POST /v1/completions</c>.</summary>
internal static class PlainCompletions
{
    private const int MostLogprobs = 5;

    public static async Task HandleAsync(HttpContext http, ModelServer server)
    {
        CompletionBody body = await RequestBody.ReadAsync(http, ApiJson.Default.CompletionBody, server.Options.MaxBodyBytes)
            .ConfigureAwait(false);
        string id = $"cmpl-{Guid.NewGuid():N}";
        TextGeneration generation = server.Generator.GenerateAsync(Request(body, http, server, id), http.RequestAborted);
        var empty = new Completion(id, "text_completion", server.Now, body.Model!, []);
        await (body.Stream ?? false
            ? StreamAsync(http, server, body, empty, generation)
            : CompleteAsync(http, server, body, empty, generation)).ConfigureAwait(false);
    }

    private static TextRequest Request(CompletionBody body, HttpContext http, ModelServer server, string id)
    {
        if (body.Echo ?? false)
        {
            throw ApiException.Unsupported("echo", "echo is not supported: the prompt is not repeated.");
        }

        if (body.BestOf is not null && body.BestOf != (body.N ?? 1))
        {
            throw ApiException.Unsupported("best_of", "best_of is not supported but for the value of n.");
        }

        if (body.Logprobs is < 0 or > MostLogprobs)
        {
            throw ApiException.Invalid("logprobs", $"logprobs is {body.Logprobs}; it must be between 0 and {MostLogprobs}.");
        }

        GenerationOptions options = GenerationFields.Options(body, http, server, id);
        return new TextRequest(options)
        {
            PromptTokens = server.Limited(CompletionPrompt.Encode(body.Prompt, server.Generator.TokenizerFor(options)), "prompt"),
            StopStrings = GenerationFields.Stops(body.Stop),
            LogProbabilities = body.Logprobs is { } count ? new LogProbabilityOptions { TopCount = count } : null,
        };
    }

    private static async Task CompleteAsync(
        HttpContext http, ModelServer server, CompletionBody body, Completion empty, TextGeneration generation)
    {
        int count = generation.Tokens.Request.Continuations;
        var texts = new StringBuilder[count];
        var logprobs = new LogprobLists[count];
        string?[] reasons = new string?[count];
        for (int i = 0; i < count; i++)
        {
            (texts[i], logprobs[i]) = (new StringBuilder(), new LogprobLists(generation));
        }

        await foreach (TextUpdate update in generation.ConfigureAwait(false))
        {
            int i = update.Continuation;
            texts[i].Append(update.Text);
            reasons[i] = FinishReasonOf(update.End);
            if (body.Logprobs is not null && update.End is null)
            {
                logprobs[i].Add(update.Update.Token);
            }
        }

        GenerationUsage usage = generation.Tokens.Usage!;
        Completion answer = empty with
        {
            Choices = [.. Enumerable.Range(0, count).Select(i => new CompletionChoice(i, texts[i].ToString())
            {
                FinishReason = reasons[i],
                Logprobs = body.Logprobs is null ? null : logprobs[i].Take(),
            })],
            Usage = Usage.Of(usage),
            SystemFingerprint = usage.Generations.FirstOrDefault(),
        };
        await JsonAnswer.WriteAsync(http, answer, ApiJson.Default.Completion).ConfigureAwait(false);
    }

    private static async Task StreamAsync(
        HttpContext http, ModelServer server, CompletionBody body, Completion empty, TextGeneration generation)
    {
        using var events = new EventStream(http);
        LogprobLists[] logprobs =
            [.. Enumerable.Range(0, generation.Tokens.Request.Continuations).Select(_ => new LogprobLists(generation))];
        await foreach (TextUpdate update in generation.ConfigureAwait(false))
        {
            LogprobLists lists = logprobs[update.Continuation];
            bool hasToken = body.Logprobs is not null && update.End is null;
            if (hasToken)
            {
                lists.Add(update.Update.Token);
            }

            if (update.Text.Length > 0 || update.End is not null || hasToken)
            {
                var choice = new CompletionChoice(update.Continuation, update.Text)
                {
                    FinishReason = FinishReasonOf(update.End),
                    Logprobs = hasToken ? lists.Take() : null,
                };
                await events.SendAsync(empty with { Choices = [choice] }, ApiJson.Default.Completion).ConfigureAwait(false);
            }
        }

        if (body.StreamOptions?.IncludeUsage ?? false)
        {
            GenerationUsage usage = generation.Tokens.Usage!;
            Completion last = empty with { Usage = Usage.Of(usage), SystemFingerprint = usage.Generations.FirstOrDefault() };
            await events.SendAsync(last, ApiJson.Default.Completion).ConfigureAwait(false);
        }

        await events.SendDoneAsync().ConfigureAwait(false);
    }

    private static string? FinishReasonOf(ContinuationEnd? end) =>
        end is null ? null : end.Reason == FinishReason.Length ? "length" : "stop";
}
