using System.Collections.Immutable;
using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Sampling;
using SLoRA.Step;

namespace SLoRA.Sequences;

/// <summary>
/// One stream of tokens being generated: prompt and answer so far, of which the first <see cref="Computed"/> have left in its
/// pages what later ones need of them. There is no prefill phase: computed tokens chase all tokens. Belongs to the engine's thread.
/// </summary>
internal sealed class Sequence
{
    // Prompt and answer, and what chooses the next token: nothing before the sequence runs.
    private int[] _tokens = [];
    private Sampler? _sampler;

    /// <summary>The first continuation of a request.</summary>
    public Sequence(RequestState request, PageTable table)
        : this(request, table, 0)
    {
    }

    private Sequence(RequestState request, PageTable table, int continuation)
    {
        GenerationRequest asked = request.Asked;
        Request = request;
        Table = table;
        Continuation = continuation;
        PromptLength = asked.Prompt.Length;
        Count = PromptLength;
        KnownLength = PromptLength;
    }

    /// <summary>The request that it continues.</summary>
    public RequestState Request { get; }

    /// <summary>Which of the request's continuations it is.</summary>
    public int Continuation { get; }

    /// <summary>Its pages.</summary>
    public PageTable Table { get; }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptLength { get; }

    /// <summary>Tokens so far.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// Tokens that it had when its first row was computed. Where keys depend on the length of the sequence, its rows are those of one that
    /// is at least so long, whatever chunks they come in and however often they are computed again.
    /// </summary>
    public int KnownLength { get; private set; }

    /// <summary>Whether it has grown past a length from which on all of its keys are other ones: it has to be computed again.</summary>
    public bool HasOutgrown =>
        Request.RopeLengths is { Restarts: true } lengths && KnownLength <= lengths.Threshold && Count > lengths.Threshold;

    /// <summary>Tokens that have been computed: what later ones need of them is in the pages.</summary>
    public int Computed { get; private set; }

    /// <summary>Tokens that wait to be computed, at least 1 while the sequence runs.</summary>
    public int Pending => Count - Computed;

    /// <summary>The most tokens whose keys and values it can ever need: the last token of the answer is never computed.</summary>
    public int CacheTokens => PromptLength + Request.Stream.MaxTokens - 1;

    /// <summary>Continuations that are still to be forked from it.</summary>
    public int PendingForks => Continuation == 0 ? Request.Asked.Continuations - Request.Forked : 0;

    /// <summary>Whether the keys, values and adapters that it needs are held for it; false while it waits, or waits again.</summary>
    public bool IsAdmitted { get; set; }

    /// <summary>What it holds on the adapters of its request, in their order, from its arrival to its end.</summary>
    public ImmutableArray<Lease> Leases { get; private set; } = [];

    /// <summary>Where the order of the queue has put it, while it waits; means something to that order alone.</summary>
    public int Slot { get; set; }

    /// <summary>Its pages in main memory while it is preempted, if they are kept there.</summary>
    public SwappedPages? Swapped { get; set; }

    /// <summary>Leading rows of the prompt whose logits have been given.</summary>
    public int Reported { get; private set; }

    /// <summary>Whether logits of every row of the prompt are wanted that have not been given yet, not just of the last.</summary>
    public bool WantsPromptLogits => Computed >= Reported && WantsMoreOfPrompt;

    /// <summary>
    /// The most rows of the next chunk: rows that are computed once more do not share one with rows whose logits are wanted, and it ends
    /// where states are kept.
    /// </summary>
    public int ChunkLimit => Math.Min(
        WantsMoreOfPrompt && Computed < Reported ? Reported - Computed : Pending, Table.NextBorder(Computed, PromptLength) - Computed);

    /// <summary>Whether there is no room for what it would choose next: it is left out until a token is taken.</summary>
    public bool IsPaused(int streamBuffer) => Request.Stream.Unread >= streamBuffer;

    /// <summary>
    /// Whether its consumer is behind: it could see all that there is no room for, and has not taken it. A sequence whose last tokens have
    /// not been published is paused and its consumer is not behind, so it does not give up what it holds.
    /// </summary>
    public bool IsBehind(int streamBuffer) => Request.Stream.Published - Request.Stream.Taken >= streamBuffer;

    private ReadOnlySpan<int> Tokens => _sampler is null ? Request.Asked.Prompt.Span : _tokens.AsSpan(0, Count);

    private bool WantsMoreOfPrompt =>
        Reported < PromptLength && Request.Asked is { Tap.WholePrompt: true } or { LogProbabilities.IncludePrompt: true };

    /// <summary>Why it ended; null while it runs.</summary>
    public FinishReason? Finished { get; private set; }

    /// <summary>
    /// Takes memory for the whole answer, so that no step has to. A request that waits holds its prompt and nothing more, however much it
    /// may generate.
    /// </summary>
    public void Begin()
    {
        if (_sampler is not null)
        {
            return;
        }

        if (Continuation == 0)
        {
            Request.Begin();
        }

        GenerationRequest asked = Request.Asked;
        int maxTokens = Request.Stream.MaxTokens;
        _tokens = new int[PromptLength + maxTokens];
        asked.Prompt.Span.CopyTo(_tokens);
        _sampler = new Sampler(asked.Sampling, Request.Seed, PromptLength, maxTokens, Continuation, asked.LogitsHook);
    }

    /// <summary>It has arrived, or been forked: takes its leases.</summary>
    /// <param name="holder">Counts the leases of all sequences.</param>
    public void TakeLeases(LeaseCount holder)
    {
        ImmutableArray<BoundAdapter> adapters = Request.Adapters;
        var leases = ImmutableArray.CreateBuilder<Lease>(adapters.Length);
        foreach (BoundAdapter adapter in adapters)
        {
            leases.Add(new Lease(adapter.Registration, adapter.Weight, holder));
        }

        Leases = leases.MoveToImmutable();
    }

    /// <summary>Whether the content of every adapter is in memory; the request is told when that first becomes so.</summary>
    public bool HasContent(long now)
    {
        foreach (Lease lease in Leases)
        {
            if (!lease.HasContent)
            {
                return false;
            }
        }

        Request.NoteContent(now);
        return true;
    }

    /// <summary>The next <paramref name="rows"/> tokens to compute.</summary>
    public ReadOnlySpan<int> Next(int rows) => Tokens.Slice(Computed, rows);

    /// <summary>Notes that the next <paramref name="rows"/> tokens have been computed, lets others share their full
    /// blocks, and lets go what no later row sees.</summary>
    public void Advance(int rows)
    {
        Computed += rows;
        Reported = Math.Max(Reported, Math.Min(Computed, PromptLength));
        Table.Keep(Tokens[..Computed]);
        Table.KeepStates(Computed, PromptLength);
        Table.Pass(Computed);
    }

    /// <summary>
    /// Takes the keys and values that others have left of its tokens. At least the last token is computed, for its logits; so are rows of
    /// the prompt whose logits are wanted.
    /// </summary>
    public void TakePrefix()
    {
        if (Table.SharesPrefixes)
        {
            Computed = Table.TakePrefix(Request.Origin(KnownLength), Tokens, WantsMoreOfPrompt ? Reported : Count - 1);
        }
    }

    /// <summary>
    /// How many leading tokens of the prompt <see cref="TakePrefix"/> would find now. Whoever asks knows that its content is in memory.
    /// </summary>
    public int CachedPrefix() =>
        Table.SharesPrefixes ? Table.CachedPrefix(Request.Origin(KnownLength), Tokens, WantsMoreOfPrompt ? Reported : Count - 1) : 0;

    /// <summary>Notes that what the first <paramref name="tokens"/> tokens had left in the pages has come back.</summary>
    public void Restored(int tokens) => Computed = Math.Max(Computed, tokens);

    /// <summary>Gives up all pages: the tokens stay, and are computed again unless what they left in the pages comes back.</summary>
    public void ReleasePages()
    {
        bool hasOutgrown = HasOutgrown;
        Table.Release();
        Computed = 0;
        if (hasOutgrown)
        {
            KnownLength = Count;
            Table.ForgetOrigin();
        }
    }

    /// <summary>A further continuation of the prompt, which has been computed, and nothing behind it.</summary>
    /// <param name="continuation">Which one.</param>
    /// <param name="copyPage">Copies a page's bytes: from, to.</param>
    public Sequence Fork(int continuation, Action<int, int> copyPage)
    {
        var fork = new Sequence(Request, Table.Fork(PromptLength, copyPage), continuation)
        {
            Computed = PromptLength,
            Reported = PromptLength,
            IsAdmitted = true
        };
        fork.Begin();
        return fork;
    }

    /// <summary>Reports how probable the prompt's token behind <paramref name="position"/> was.</summary>
    public void ReportPrompt(int position, ReadOnlySpan<float> logits)
    {
        var top = new TokenLogProbability[Request.Asked.LogProbabilities!.TopCount];
        int token = Tokens[position + 1];
        float probability = LogProbabilities.OfLogits(logits, token, top, out int count);
        Request.Stream.PublishPrompt(position + 1, new PromptTokenLogProbability(token, probability, top[..count]));
    }

    /// <summary>Describes the choice of the next token to a device that chooses by itself, unless somebody needs the logits here.</summary>
    public void DescribeChoice(int output, TokenChoices choices)
    {
        if (PendingForks == 0 && Request is { AddedTokens: 0, Asked: { Tap: null, LogProbabilities: null } })
        {
            _sampler!.TryDescribe(output, Tokens, choices);
        }
    }

    /// <summary>
    /// Chooses the next token from the logits of the last one: it is written into the stream, where it waits to be published, or ends the
    /// sequence, or both.
    /// </summary>
    public void Sample(ReadOnlySpan<float> logits, SamplingScratch scratch) =>
        Take(_sampler!.Next(logits, Tokens, scratch), logits, scratch);

    /// <summary>Takes the token that the device has chosen, as <see cref="Sample"/> does with its own.</summary>
    public void Accept(int token) => Take(token, [], null);

    private void Take(int token, ReadOnlySpan<float> logits, SamplingScratch? scratch)
    {
        int index = Count - PromptLength;
        string? stopString = null;
        FinishReason? reason = Request.StopRules.After(token, index + 1);
        if (reason != FinishReason.StopToken)
        {
            _tokens[Count++] = token;
            Request.Generated++;
            Request.Stream.Write(Report(new GeneratedToken(token, index) { Continuation = Continuation }, logits, scratch));
            if (Request.Stream.Stops is { } stops && stops.IsMet(Continuation, token))
            {
                reason = stops.Reason;
                stopString = stops.StopString(Continuation);
            }
        }

        // Whoever has been ended from outside meanwhile stays ended.
        if (Finished is null && reason is { } ended)
        {
            Finished = ended;
            Request.Stream.Write(new ContinuationEnd(Continuation, ended, Count - PromptLength)
            {
                StopToken = ended == FinishReason.StopToken ? token : null,
                StopString = stopString,
            });
        }
    }

    /// <summary>Ends the sequence from outside; the first reason stays.</summary>
    public void Finish(FinishReason reason) => Finished ??= reason;

    private GeneratedToken Report(GeneratedToken token, ReadOnlySpan<float> logits, SamplingScratch? scratch)
    {
        if (scratch is null || Request.Asked.LogProbabilities is not { } options)
        {
            return token;
        }

        var top = new TokenLogProbability[options.TopCount];
        float probability = _sampler!.LogProbability(options.Source, logits, scratch, token.Id, top, out int count);
        return token with { LogProbability = probability, Top = top[..count] };
    }
}
