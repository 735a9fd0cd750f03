using System.Collections.Concurrent;
using SLoRA.Core.Tests.Engine.Histories;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Streams that are always there, on the real engine thread: when one ends, its place is taken by another. They are for the base, for an
/// adapter that stays, and for names that others change; each is of one of a few lengths, alone or drawn by a seed, so that they end at
/// different times. Thread-safe.
/// </summary>
/// <param name="engine">Serves them.</param>
/// <param name="names">Names that others change.</param>
/// <param name="steady">An adapter that stays, and its content.</param>
/// <param name="alone">Content, or <see cref="Base"/>, and variant → the answer alone.</param>
internal sealed class ConcurrentStreams(
    LoraServingEngine engine, NameLog[] names, (string Name, string Content) steady, IReadOnlyDictionary<(string Content, int Variant),
    TokenBits[]> alone)
{
    /// <summary>Kinds of requests.</summary>
    public const int Variants = 4;

    /// <summary>What stands for the base among the contents.</summary>
    public const string Base = "base";

    private readonly ConcurrentBag<(NameLog Name, long Begun, long Bound, string? Content)> _named = [];
    private readonly ConcurrentBag<string> _wrong = [];
    private int _ended;
    private long _tokens;

    /// <summary>Streams that ended with an answer.</summary>
    public int Ended => _ended;

    /// <summary>Their tokens.</summary>
    public long Tokens => _tokens;

    /// <summary>Those for names that others change: when they were handed in and bound, and whose answer they gave.</summary>
    public IReadOnlyCollection<(NameLog Name, long Begun, long Bound, string? Content)> Named => _named;

    /// <summary>Answers that nobody should have got.</summary>
    public IReadOnlyCollection<string> Wrong => _wrong;

    /// <summary>What is asked, for the base.</summary>
    public static GenerationRequest Question(int variant) => new()
    {
        Prompt = Enumerable.Range(7 + (20 * (variant / 2)), 20).ToArray(),
        MaxTokens = 12 + (9 * variant),
        IgnoreEndOfText = true,
        LogProbabilities = new LogProbabilityOptions(),
        Sampling = variant % 2 == 0 ? SamplingOptions.Greedy : new SamplingOptions { Temperature = 0.9f, Seed = variant },
    };

    /// <summary>The answer, null if the name stood for nothing, and a moment after it was bound.</summary>
    public static async Task<(TokenBits[]? Tokens, long Bound)> Generate(
        LoraServingEngine engine, GenerationRequest request, CancellationToken cancellation = default)
    {
        var tokens = new List<GeneratedToken>();
        long bound = 0;
        try
        {
            await foreach (GeneratedToken token in engine.GenerateAsync(request, cancellation))
            {
                bound = bound == 0 ? NameLog.Tick() : bound;
                tokens.Add(token);
            }
        }
        catch (AdapterNotFoundException)
        {
            return (null, NameLog.Tick());
        }

        return (TokenBits.InOrder(tokens), bound);
    }

    /// <summary>Keeps a place taken until the time is over, by one stream at least.</summary>
    public async Task Refill(int place, Func<bool> isOver)
    {
        var random = new Random(place);
        do
        {
            int variant = random.Next(Variants);
            if (place % 4 == 0)
            {
                await Check(null, Base, variant);
            }
            else if (place % 4 == 1)
            {
                await Check(steady.Name, steady.Content, variant);
            }
            else if (!await Follow(names[random.Next(names.Length)], variant))
            {
                // The name stood for nothing: the place is not left empty, whoever comes next.
                await Check(null, Base, variant);
            }
        }
        while (!isOver());
    }

    private async Task Check(string? adapter, string content, int variant)
    {
        (TokenBits[]? tokens, _) = await Generate(engine, Question(variant) with { Adapter = adapter });
        Count(tokens);
        if (tokens is null || !tokens.AsSpan().SequenceEqual(alone[(content, variant)]))
        {
            _wrong.Add($"{adapter ?? Base}, variant {variant}: "
                + $"{(tokens is null ? "nothing" : string.Join(' ', tokens.Select(token => token.Id)))}");
        }
    }

    private async Task<bool> Follow(NameLog name, int variant)
    {
        long begun = NameLog.Tick();
        (TokenBits[]? tokens, long bound) = await Generate(engine, Question(variant) with { Adapter = name.Name });
        Count(tokens);
        string? content = tokens is null ? null : ContentOf(tokens, variant);
        _named.Add((name, begun, bound, content));
        return content is not null;
    }

    private void Count(TokenBits[]? tokens)
    {
        if (tokens is not null)
        {
            Interlocked.Increment(ref _ended);
            Interlocked.Add(ref _tokens, tokens.Length);
        }
    }

    private string ContentOf(TokenBits[] tokens, int variant)
    {
        foreach (((string content, int other), TokenBits[] answer) in alone)
        {
            if (other == variant && content != Base && tokens.AsSpan().SequenceEqual(answer))
            {
                return content;
            }
        }

        return "something else";
    }
}
