using System.Collections.Immutable;
using SLoRA.Adapters.Resident;
using SLoRA.Diagnostics;
using SLoRA.Pool;
using SLoRA.Sampling;
using SLoRA.Step;

namespace SLoRA.Sequences;

/// <summary>
/// One request inside the engine: what its continuations have in common. It ends when the last of them has been returned. Belongs to the
/// engine's thread.
/// </summary>
internal sealed class RequestState(
    GenerationStream stream, ImmutableArray<BoundAdapter> adapters, StopRules stopRules, ulong seed, long arrived)
{
    private readonly FinishReason?[] _reasons = new FinishReason?[stream.Request.Continuations];
    private PrefixOrigin? _origin;
    private int? _start;
    private ImmutableArray<string> _generations = [];

    /// <summary>Where its tokens go.</summary>
    public GenerationStream Stream { get; } = stream;

    /// <summary>What was asked.</summary>
    public GenerationRequest Asked => Stream.Request;

    /// <summary>Its adapters, in the request's order; empty for the base. Each of its sequences holds leases on them.</summary>
    public ImmutableArray<BoundAdapter> Adapters { get; } = adapters;

    /// <summary>When its continuations end by themselves.</summary>
    public StopRules StopRules { get; } = stopRules;

    /// <summary>Where its random numbers start.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>Timestamps of the engine's clock; 0 for not yet.</summary>
    public long Arrived { get; } = arrived;

    /// <inheritdoc cref="Arrived"/>
    public long ContentReady { get; private set; }

    /// <inheritdoc cref="Arrived"/>
    public long Admitted { get; set; }

    /// <inheritdoc cref="Arrived"/>
    public long FirstToken { get; set; }

    /// <summary>Its place among all who have come, requests and preloads, from 1.</summary>
    public long Arrival { get; set; }

    /// <summary>Timestamp since when its consumer has been behind and has taken nothing; 0 when it is not.</summary>
    public long BehindSince { get; set; }

    /// <summary>Tokens that its consumer had taken then.</summary>
    public int TakenBefore { get; set; }

    /// <summary>
    /// Its place among all requests in the order in which they were first admitted, from 1; 0 when it has none yet. Kept through
    /// preemption.
    /// </summary>
    public long FirstAdmission { get; set; }

    /// <summary>Whether it has been admitted, now or before it was preempted.</summary>
    public bool HasRun => FirstAdmission != 0;

    /// <summary>Tokens of the prompt whose keys and values were there when it was admitted.</summary>
    public int CachedPromptTokens { get; set; }

    /// <summary>How keys depend on the length of a sequence; null if they do not.</summary>
    public RopeLengths? RopeLengths { get; init; }

    /// <summary>Tokens beyond those of the model that it may have: its adapter's, whose headers must be known.</summary>
    public int AddedTokens => Adapters is [var only] ? only.Registration.LatestHeaders!.Shape.AddedTokens : 0;

    /// <summary>
    /// The first position that its adapters act on: 0, unless its adapter begins behind an invocation, which the prompt may not have. Its
    /// content must have been read.
    /// </summary>
    public int Start => _start ??= Invocation.Start(
        Asked.Prompt.Span, Adapters is [var only] ? only.Registration.Generation!.Directory.InvocationTokens.AsSpan() : []);

    /// <summary>
    /// What others must have in common with one of its sequences to share its pages. Its content must have been read.
    /// </summary>
    /// <param name="knownLength">The length that the sequence had when its first row was computed.</param>
    public PrefixOrigin Origin(int knownLength)
    {
        int lengthClass = RopeLengths?.ClassOf(knownLength) ?? 0;
        return _origin is { } origin && origin.LengthClass == lengthClass ? origin : _origin = OriginOf(Start, lengthClass);
    }

    /// <summary>It runs: from here on it stays with the content that its adapters have now.</summary>
    public void Begin() => _generations = [.. Adapters.Select(adapter => adapter.Registration.Generation!.Id.ToString())];

    /// <summary>The content of an adapter has changed before anything was computed with it.</summary>
    public void ForgetOrigin() => (_origin, _start) = (null, null);

    /// <summary>Posts the end of the deadline; null without one.</summary>
    public ITimer? DeadlineTimer { get; set; }

    /// <summary>Wakes the engine when the target for the first token is over; null when nobody looks at it.</summary>
    public ITimer? TargetTimer { get; set; }

    /// <summary>What the order of the queue keeps about it; means something to that order alone.</summary>
    public object? Standing { get; set; }

    /// <summary>The continuations that exist, ended ones too.</summary>
    public List<Sequence> Sequences { get; } = [];

    /// <summary>Continuations whose pages have not been returned yet.</summary>
    public int Open { get; set; } = 1;

    /// <summary>Continuations that exist; the others are forked from the first when its prompt has been computed.</summary>
    public int Forked { get; set; } = 1;

    /// <summary>How often one of its sequences had to give up its pages.</summary>
    public int Preemptions { get; set; }

    /// <summary>Tokens of all continuations.</summary>
    public int Generated { get; set; }

    /// <summary>The error that ended it, if one did.</summary>
    public Exception? Error { get; set; }

    /// <summary>Every adapter's content is in memory: notes when that first became so.</summary>
    public void NoteContent(long now) => ContentReady = ContentReady == 0 ? now : ContentReady;

    /// <summary>Notes the end of a continuation, and of those that were never forked from it.</summary>
    public void Ended(int continuation, FinishReason reason)
    {
        _reasons[continuation] = reason;
        for (int i = Forked; continuation == 0 && i < _reasons.Length; i++)
        {
            _reasons[i] = reason;
        }
    }

    /// <summary>Ends the stream, whatever happens; what is measured about it is recorded before.</summary>
    public void Complete(TimeProvider clock, EngineMetrics metrics)
    {
        FinishReason[] reasons = [.. _reasons.Select(reason => reason!.Value)];
        GenerationUsage usage = GenerationUsage.Nothing(Asked) with { GeneratedTokens = Generated };
        try
        {
            DeadlineTimer?.Dispose();
            TargetTimer?.Dispose();
            usage = Usage(clock);
            metrics.Ended(Asked, GenerationStream.ReasonOf(reasons), usage, clock.GetElapsedTime(Arrived), Error);
        }
        finally
        {
            Stream.Complete(reasons, usage, Error);
        }
    }

    private PrefixOrigin OriginOf(int start, int lengthClass) => start == int.MaxValue
        ? new PrefixOrigin([], Asked.CacheSalt, lengthClass: lengthClass)
        : new PrefixOrigin(
            [.. Adapters.Select(adapter => new PrefixPart(
                adapter.Registration.Generation!.Id.High, adapter.Registration.Generation.Id.Low,
                BitConverter.SingleToInt32Bits(adapter.Weight)))],
            Asked.CacheSalt,
            start,
            lengthClass);

    private GenerationUsage Usage(TimeProvider clock)
    {
        long now = clock.GetTimestamp();
        long ready = ContentReady != 0 ? ContentReady : now;
        long admitted = Admitted != 0 ? Admitted : now;
        long first = FirstToken != 0 ? FirstToken : now;
        return new GenerationUsage
        {
            PromptTokens = Asked.Prompt.Length,
            CachedTokens = CachedPromptTokens + ((Forked - 1) * Asked.Prompt.Length),
            CachedPromptTokens = CachedPromptTokens,
            GeneratedTokens = Generated,
            QueueTime = clock.GetElapsedTime(ready, admitted),
            PageInTime = clock.GetElapsedTime(Arrived, ready),
            PrefillTime = clock.GetElapsedTime(admitted, first),
            DecodeTime = clock.GetElapsedTime(first, now),
            Preemptions = Preemptions,
            Generations = _generations,
        };
    }
}
