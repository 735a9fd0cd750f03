using System.Globalization;
using System.Text.Json;
using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;

namespace SLoRA.AspNetCore.Serving;

/// <summary>The members of a body that say how tokens are chosen and when to stop, as the engine takes them.</summary>
internal static class GenerationFields
{
    /// <summary>The engine's options. Members that are left out leave what the model's authors recommend.</summary>
    /// <param name="body">The body.</param>
    /// <param name="http">Whose request it is.</param>
    /// <param name="server">Who serves it.</param>
    /// <param name="id">The id of the answer.</param>
    /// <exception cref="ApiException">A value cannot be served.</exception>
    public static GenerationOptions Options(GenerationBody body, HttpContext http, ModelServer server, string id)
    {
        FieldRules.Check(body.Others);
        int choices = body.N ?? 1;
        if (choices < 1 || choices > server.Options.MaxChoices)
        {
            throw ApiException.Invalid("n", $"n is {choices}; this server takes 1 to {server.Options.MaxChoices}.");
        }

        return Identified(http, server, id) with
        {
            Adapter = server.AdapterOf(http, body.Model),
            MaxTokens = MaxTokens(body.MaxTokens, "max_tokens", server),
            Continuations = choices,
            IgnoreEndOfText = body.IgnoreEos ?? false,
            StopTokens = body.StopTokenIds ?? [],
            Sampling = Sampling(body, server),
        };
    }

    /// <summary>Options that say whose request it is and how long it may take.</summary>
    public static GenerationOptions Identified(HttpContext http, ModelServer server, string id)
    {
        string? client = server.Options.ClientOf(http.User);
        return new GenerationOptions { RequestId = id, ClientId = client, CacheSalt = client, Deadline = server.Options.MaxTime };
    }

    /// <summary>The limit of tokens: what was asked, or what this server allows.</summary>
    public static int? MaxTokens(int? asked, string parameter, ModelServer server)
    {
        int? limit = server.Options.MaxCompletionTokens;
        return asked > limit
            ? throw ApiException.Invalid(parameter, $"{parameter} is {asked}; this server takes at most {limit}.")
            : asked ?? (limit is null ? null : Math.Min(limit.Value, server.Engine.Model.ContextLength));
    }

    /// <summary>The texts of <c>stop</c>: none, one or a list.</summary>
    public static IReadOnlyList<string> Stops(JsonElement? stop) => stop switch
    {
        null or { ValueKind: JsonValueKind.Null } => [],
        { ValueKind: JsonValueKind.String } one => [ElementText.Of(one, "stop")],
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Select(text => ElementText.Of(text, "stop"))],
        _ => throw ApiException.Invalid("stop", "stop must be a text or a list of texts."),
    };

    private static SamplingOptions Sampling(GenerationBody body, ModelServer server)
    {
        SamplingOptions recommended = SamplingOptions.FromModel(server.Engine.Model);
        return recommended with
        {
            Temperature = body.Temperature ?? recommended.Temperature,
            TopP = TopP(body.TopP) ?? recommended.TopP,
            // vLLM says -1 where it means all.
            TopK = body.TopK is -1 ? 0 : body.TopK ?? recommended.TopK,
            MinP = body.MinP ?? recommended.MinP,
            RepetitionPenalty = body.RepetitionPenalty ?? recommended.RepetitionPenalty,
            PresencePenalty = body.PresencePenalty ?? 0,
            FrequencyPenalty = body.FrequencyPenalty ?? 0,
            LogitBias = body.LogitBias is { Count: > 0 } bias ? Bias(bias) : null,
            Seed = body.Seed,
        };
    }

    /// <summary>0 is allowed by OpenAI and leaves the most likely token, as the smallest value does.</summary>
    public static float? TopP(float? asked) => asked is 0 ? float.Epsilon : asked;

    private static Dictionary<int, float> Bias(Dictionary<string, float> written)
    {
        var bias = new Dictionary<int, float>(written.Count);
        foreach ((string key, float value) in written)
        {
            // 7 and 007 are one token.
            bias[TokenId(key)] = value;
        }

        return bias;
    }

    private static int TokenId(string key) => int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
        ? id
        : throw ApiException.Invalid("logit_bias", $"logit_bias has a key that is no token id: '{key}'.");
}
