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
        ModelTokenizer tokenizer = TokenizerOf(http, server, body.Model);
        int[] ids = Encode(body, server, tokenizer);
        string[]? texts = body.ReturnTokenStrs ?? false ? [.. ids.Select(id => tokenizer.IdToToken(id) ?? "")] : null;
        var answer = new TokenizeAnswer(ids.Length, server.Engine.Model.ContextLength, ids, texts);
        await JsonAnswer.WriteAsync(http, answer, ApiJson.Default.TokenizeAnswer).ConfigureAwait(false);
    }

    /// <summary>The text of ids.</summary>
    public static async Task DetokenizeAsync(HttpContext http, ModelServer server)
    {
        DetokenizeBody body = await RequestBody.ReadAsync(http, ApiJson.Default.DetokenizeBody, server.Options.MaxBodyBytes)
            .ConfigureAwait(false);
        FieldRules.Check(body.Others);
        ModelTokenizer tokenizer = TokenizerOf(http, server, body.Model);
        int[] ids = body.Tokens is { ValueKind: JsonValueKind.Array } list
            ? CompletionPrompt.Ids(list, "tokens")
            : throw ApiException.Invalid("tokens", "tokens must be a list of token ids.");
        foreach (int id in ids)
        {
            if (id < 0 || id >= tokenizer.VocabularySize)
            {
                throw ApiException.Invalid(
                    "tokens", $"tokens has the id {id}; the vocabulary has 0 to {tokenizer.VocabularySize - 1}.");
            }
        }

        var answer = new DetokenizeAnswer(tokenizer.Decode(ids));
        await JsonAnswer.WriteAsync(http, answer, ApiJson.Default.DetokenizeAnswer).ConfigureAwait(false);
    }

    private static int[] Encode(TokenizeBody body, ModelServer server, ModelTokenizer tokenizer) => body switch
    {
        { Prompt: { } prompt, Messages: null } => tokenizer.Encode(prompt, body.AddSpecialTokens ?? true),
        { Prompt: null, Messages: { } messages } => tokenizer.EncodeChat(
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

    /// <summary>The base's tokenizer unless a model is named, which must be the caller's.</summary>
    private static ModelTokenizer TokenizerOf(HttpContext http, ModelServer server, string? model)
    {
        string? adapter = model is null ? null : server.AdapterOf(http, model);
        return adapter is null || server.Engine.Adapters.Contains(adapter)
            ? server.Generator.TokenizerFor(new GenerationOptions { Adapter = adapter })
            : throw ApiException.UnknownModel(model!);
    }
}
