using System.Collections.Immutable;
using SLoRA.Adapters;
using SLoRA.Pool;
using SLoRA.Sampling;

namespace SLoRA.Engine;

/// <summary>
/// One stream of tokens being generated: prompt and answer so far, of which the first <see cref="Computed"/> have keys and values in the page
/// table. There is no prefill phase: computed tokens chase all tokens. Belongs to the engine's thread.
/// </summary>
internal sealed class Sequence
{
    private readonly int[] _tokens;
    private readonly StopRules _stopRules;
    private readonly Sampler _sampler;

    public Sequence(GenerationStream stream, ImmutableArray<Lease> leases, PageTable table, StopRules stopRules, Sampler sampler, long arrived)
    {
        Stream = stream;
        Leases = leases;
        Table = table;
        _stopRules = stopRules;
        _sampler = sampler;
        Arrived = arrived;
        PromptLength = stream.Request.Prompt.Length;
        _tokens = new int[PromptLength + stream.MaxTokens];
        stream.Request.Prompt.Span.CopyTo(_tokens);
        Count = PromptLength;
    }

    /// <summary>Where its tokens go.</summary>
    public GenerationStream Stream { get; }

    /// <summary>What it holds on its adapters, in the request's order; empty for the base.</summary>
    public ImmutableArray<Lease> Leases { get; }

    /// <summary>Its pages.</summary>
    public PageTable Table { get; }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptLength { get; }

    /// <summary>Tokens so far.</summary>
    public int Count { get; private set; }

    /// <summary>Tokens whose keys and values are in the pages.</summary>
    public int Computed { get; private set; }

    /// <summary>Tokens that wait to be computed, at least 1 while the sequence runs.</summary>
    public int Pending => Count - Computed;

    /// <summary>The most tokens whose keys and values it can ever need: the last token of the answer is never computed.</summary>
    public int CacheTokens => _tokens.Length - 1;

    /// <summary>Why it ended; null while it runs.</summary>
    public FinishReason? Finished { get; private set; }

    /// <summary>The error that ended it, if one did.</summary>
    public Exception? Error { get; private set; }

    /// <summary>When it arrived, was admitted, and gave its first token: timestamps of the engine's clock, 0 for not yet.</summary>
    public long Arrived { get; }

    /// <inheritdoc cref="Arrived"/>
    public long Admitted { get; set; }

    /// <inheritdoc cref="Arrived"/>
    public long FirstToken { get; private set; }

    /// <summary>The next <paramref name="rows"/> tokens to compute.</summary>
    public ReadOnlySpan<int> Next(int rows) => _tokens.AsSpan(Computed, rows);

    /// <summary>Notes that the next <paramref name="rows"/> tokens have been computed.</summary>
    public void Advance(int rows) => Computed += rows;

    /// <summary>Chooses the next token from the logits of the last one, publishes it or ends the sequence.</summary>
    public void Sample(ReadOnlySpan<float> logits, SamplingScratch scratch, long now)
    {
        int token = _sampler.Next(logits, _tokens.AsSpan(0, Count), scratch);
        if (FirstToken == 0)
        {
            FirstToken = now;
        }

        int generated = Count - PromptLength;
        FinishReason? reason = _stopRules.After(token, generated + 1);
        if (reason != FinishReason.StopToken)
        {
            _tokens[Count++] = token;
            Stream.Publish(new GeneratedToken(token, generated));
        }

        Finished = reason;
    }

    /// <summary>Ends the sequence from outside; the first reason stays.</summary>
    public void Finish(FinishReason reason, Exception? error = null)
    {
        if (Finished is null)
        {
            Finished = reason;
            Error = error;
        }
    }
}
