using SLoRA.AspNetCore.Chat;
using SLoRA.AspNetCore.Json;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Completions;

/// <summary>Log-probabilities of one choice, as plain completions show them: parallel lists.</summary>
/// <param name="generation">Whose tokens they are.</param>
internal sealed class LogprobLists(TextGeneration generation)
{
    private List<string> _tokens = [];
    private List<float> _logprobs = [];
    private List<Dictionary<string, float>> _tops = [];
    private List<int> _offsets = [];
    private int _offset;

    public void Add(GeneratedToken token)
    {
        string text = TokenTexts.Text(token.Id, generation.Tokenizer);
        var top = new Dictionary<string, float>();
        foreach (TokenLogProbability other in token.Top ?? [])
        {
            // Tokens that are parts of characters may look alike: the most probable one stays.
            top.TryAdd(TokenTexts.Text(other.TokenId, generation.Tokenizer), TokenTexts.Written(other.LogProbability));
        }

        _tokens.Add(text);
        _logprobs.Add(TokenTexts.Written(token.LogProbability ?? 0));
        _tops.Add(top);
        _offsets.Add(_offset);
        _offset += text.Length;
    }

    /// <summary>What was added since the last time.</summary>
    public CompletionLogprobs Take()
    {
        var taken = new CompletionLogprobs(_tokens, _logprobs, _tops, _offsets);
        (_tokens, _logprobs, _tops, _offsets) = ([], [], [], []);
        return taken;
    }
}
