namespace SLoRA.Core.Tests.Engine.Histories;

/// <summary>Answers of requests that had an engine to themselves, without reuse of prefixes and without over-commit. Thread-safe.</summary>
internal sealed class AloneAnswers(Action<LoraServingEngineBuilder> backend)
{
    /// <summary>Contents that go together in any request.</summary>
    public static readonly string[] Contents = ["qv", "r1", "rslora", "wide", "embed-and-head", "later-lora-bias"];

    /// <summary>Contents that requests have alone.</summary>
    public static readonly string[] LoneContents = ["later-dora", "later-tokens", "later-save-head", "later-save-embed", "later-alora"];

    private readonly Dictionary<(string, Question), TokenBits[]> _answers = [];
    private readonly Lazy<SteppedEngine> _engine = new(() =>
    {
        var engine = new SteppedEngine(builder =>
        {
            backend(builder);
            builder.ConfigurePool(pool => (pool.PrefixReuse, pool.Bytes) = (false, 256 * 12288));
        });

        // Two names may have one content, and one request may name both.
        foreach (string content in Contents)
        {
            for (int place = 0; place < 3; place++)
            {
                engine.Run(engine.Adapters.RegisterAsync(place + content, SteppedEngine.AdapterFolder(content)));
            }
        }

        foreach (string content in LoneContents)
        {
            engine.Run(engine.Adapters.RegisterAsync("0" + content, SteppedEngine.AdapterFolder(content)));
        }

        return engine;
    });

    /// <summary>The answer to a question under contents with their weights.</summary>
    public TokenBits[] Of(IReadOnlyList<(string Content, float Weight)> contents, Question question)
    {
        (string, Question) key = (string.Join('+', contents), question);
        lock (_answers)
        {
            if (!_answers.TryGetValue(key, out TokenBits[]? answer))
            {
                GenerationRequest request =
                    question.ToRequest() with
                    {
                        Adapters = [
                        .. contents.Select((use, place) => new AdapterUse(place + use.Content, use.Weight))]
                    };
                Answer alone = _engine.Value.Ask(request);
                _engine.Value.Finish(alone);
                _answers.Add(key, answer = TokenBits.InOrder(alone.Items));
            }

            return answer;
        }
    }
}

/// <summary>A token with the bits of its log-probability.</summary>
internal readonly record struct TokenBits(int Continuation, int Index, int Id, int LogProbability)
{
    /// <summary>One continuation after the other.</summary>
    public static TokenBits[] InOrder(IEnumerable<GeneratedToken> tokens) =>
    [
        .. tokens
            .Select(token =>
                new TokenBits(token.Continuation, token.Index, token.Id, BitConverter.SingleToInt32Bits(token.LogProbability!.Value)))
            .OrderBy(token => token.Continuation).ThenBy(token => token.Index),
    ];
}
