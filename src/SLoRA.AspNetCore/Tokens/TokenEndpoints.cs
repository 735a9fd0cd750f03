using System.Text.Json;
using SLoRA.AspNetCore.Chat;
using SLoRA.AspNetCore.Completions;
using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;
using SLoRA.AspNetCore.Serving;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Tokens;

/// <summary><c>POST /tokenize</c> and <c>POST /detokenize</c>, as vLLM has them.</summary>
internal static class TokenEndpoints
{
    /// <summary>The ids of a prompt, or of a conversation as the model would be asked.</summary>
    public static async Task TokenizeAsync(HttpContext http, ModelServer server)
    {
        TokenizeBody body = await RequestBody.ReadAsync(http, ApiJson.Default.TokenizeBody, server.Options.MaxBodyBytes)
            .ConfigureAwait(false);
        FieldRules.Check(body.Others);
        RequireModel(http, server, body.Model);
        int[] ids = Encode(body, server);
        string[]? texts = body.ReturnTokenStrs ?? false ? [.. ids.Select(id => server.Tokenizer.IdToToken(id) ?? "")] : null;
        var answer = new TokenizeAnswer(ids.Length, server.Engine.Model.ContextLength, ids, texts);
        await JsonAnswer.WriteAsync(http, answer, ApiJson.Default.TokenizeAnswer).ConfigureAwait(false);
    }

    /// <summary>The text of ids.</summary>
    public static async Task DetokenizeAsync(HttpContext http, ModelServer server)
    {
        DetokenizeBody body = await RequestBody.ReadAsync(http, ApiJson.Default.DetokenizeBody, server.Options.MaxBodyBytes)
            .ConfigureAwait(false);
        FieldRules.Check(body.Others);
        RequireModel(http, server, body.Model);
        int[] ids = body.Tokens is { ValueKind: JsonValueKind.Array } list
            ? CompletionPrompt.Ids(list, "tokens")
            : throw ApiException.Invalid("tokens", "tokens must be a list of token ids.");
        foreach (int id in ids)
        {
            if (id < 0 || id >= server.Tokenizer.VocabularySize)
            {
                throw ApiException.Invalid(
                    "tokens", $"tokens has the id {id}; the vocabulary has 0 to {server.Tokenizer.VocabularySize - 1}.");
            }
        }

        var answer = new DetokenizeAnswer(server.Tokenizer.Decode(ids));
        await JsonAnswer.WriteAsync(http, answer, ApiJson.Default.DetokenizeAnswer).ConfigureAwait(false);
    }

    private static int[] Encode(TokenizeBody body, ModelServer server) => body switch
    {
        { Prompt: { } prompt, Messages: null } => server.Tokenizer.Encode(prompt, body.AddSpecialTokens ?? true),
        { Prompt: null, Messages: { } messages } => server.Tokenizer.EncodeChat(
            ChatMessages.Read(messages, server.Form),
            new ChatRenderOptions
            {
                Tools = ToolSet.Read(body.Tools, null, null).ForTemplate,
                AddGenerationPrompt = body.AddGenerationPrompt ?? true,
                ContentAsText = true,
                Clock = server.Options.Clock,
            }),
        _ => throw ApiException.Invalid("prompt", "Either prompt or messages is needed, and not both."),
    };

    /// <summary>All models have the same tokenizer, so none has to be named; one that is named must be the caller's.</summary>
    private static void RequireModel(HttpContext http, ModelServer server, string? model)
    {
        if (model is not null && server.AdapterOf(http, model) is { } adapter && !server.Engine.Adapters.Contains(adapter))
        {
            throw ApiException.UnknownModel(model);
        }
    }
}
