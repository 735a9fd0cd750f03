using System.Text;
using SLoRA.AspNetCore.Json;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Chat;

/// <summary>Tokens with their log-probabilities, as chat completions show them.</summary>
internal static class TokenTexts
{
    /// <summary>One generated token, with those that could have been in its place.</summary>
    public static TokenLogprob Of(GeneratedToken token, ModelTokenizer tokenizer) =>
        Entry(token.Id, token.LogProbability ?? 0, tokenizer) with
        {
            TopLogprobs = [.. (token.Top ?? []).Select(top => Entry(top.TokenId, top.LogProbability, tokenizer))],
        };

    /// <summary>The text of one token: what its bytes are, as far as they are whole characters.</summary>
    public static string Text(int id, ModelTokenizer tokenizer) => Encoding.UTF8.GetString(tokenizer.GetTokenBytes(id));

    private static TokenLogprob Entry(int id, float logProbability, ModelTokenizer tokenizer)
    {
        byte[] bytes = tokenizer.GetTokenBytes(id);
        return new TokenLogprob(Encoding.UTF8.GetString(bytes), Written(logProbability), [.. bytes.Select(one => (int)one)]);
    }

    /// <summary>JSON has no infinity; OpenAI writes -9999 for what is as good as impossible.</summary>
    public static float Written(float logProbability) => float.IsNegativeInfinity(logProbability) ? -9999 : logProbability;
}
