using SLoRA.Requests;

namespace SLoRA;

/// <summary>
/// The answer to one request, token by token. The request is handed in when the enumeration starts, and it can be enumerated once. Leaving
/// the enumeration early, or cancelling it, ends the request within one step; when the enumeration has ended, its pages have been returned.
/// </summary>
/// <remarks>
/// Enumeration throws <see cref="OperationCanceledException"/> when cancelled, with the token that was; <see cref="EngineBusyException"/>
/// when the queue is full, <see cref="EngineDisposedException"/> when the engine goes first, and whatever <see cref="SLoraException"/> made
/// the request fail. One consumer at a time; a slow one makes this request wait and no other, and one that takes nothing for
/// <see cref="SchedulingOptions.ConsumerTimeout"/> ends it with <see cref="ConsumerStalledException"/>. Dispose the enumerator, as <c>await
/// foreach</c> does: one that is dropped without that holds its pages until then, or until the garbage collector finds it, which cancels
/// the request.
/// </remarks>
public sealed class GenerationStream : IGenerationStream
{
    private readonly IRequestPort _port;
    private readonly CancellationToken _cancellation;
    private readonly TokenRing<GenerationUpdate> _updates;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PromptTokenLogProbability?[]? _prompt;
    private RequestTrace? _trace;
    private int _started;
    private int _completed;
    private volatile bool _isCancelled;

    internal GenerationStream(IRequestPort port, GenerationRequest request, int maxTokens, CancellationToken cancellation)
    {
        _port = port;
        _cancellation = cancellation;
        Request = request;
        MaxTokens = maxTokens;
        Stops = StopMatchers.Begin(request);
        _updates = new TokenRing<GenerationUpdate>(Capacity(port.StreamBuffer, request.Continuations, maxTokens));
    }

    /// <summary>The request, as it was copied when it was made.</summary>
    public GenerationRequest Request { get; }

    /// <summary>
    /// Why the request ended; null as long as it has not. With several continuations this is why the first one ended, unless the request
    /// was cancelled, failed, or was ended by the engine's disposal.
    /// </summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>Why each continuation ended; empty as long as the request has not.</summary>
    public IReadOnlyList<FinishReason> FinishReasons { get; private set; } = [];

    /// <summary>
    /// How probable each token of the prompt was, by its place; null for the first. Complete when the first token of the answer comes;
    /// empty unless the request asked for it.
    /// </summary>
    public IReadOnlyList<PromptTokenLogProbability?> PromptLogProbabilities => _prompt ?? [];

    /// <summary>What the request took; null as long as it has not ended.</summary>
    public GenerationUsage? Usage { get; private set; }

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationUpdate> Updates => new UpdateView(this);

    /// <summary>The most tokens that will be generated.</summary>
    internal int MaxTokens { get; }

    /// <summary>The request's stop condition at work; null without one.</summary>
    internal StopMatchers? Stops { get; }

    /// <summary>Tokens and ends that have been made and the consumer has not taken yet, published or not.</summary>
    internal int Unread => _updates.Unread;

    /// <summary>Tokens and ends that have been handed to the consumer, taken or not.</summary>
    internal int Published => _updates.Published;

    /// <summary>Tokens and ends that the consumer has taken.</summary>
    internal int Taken => _updates.Taken;

    /// <summary>Completed when the request has ended and all that it held has been returned.</summary>
    internal Task Ending => _ended.Task;

    /// <inheritdoc/>
    public IAsyncEnumerator<GeneratedToken> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        new StreamEnumerator<GeneratedToken>(this, Read<GeneratedToken, TokensOnly>(cancellationToken));

    private async IAsyncEnumerator<T> Read<T, TShown>(CancellationToken cancellationToken)
        where TShown : IShown<T>
    {
        if (Interlocked.Exchange(ref _started, 1) == 1)
        {
            throw new InvalidOperationException("A stream can be enumerated once; hand the request in again for a second answer.");
        }

        if (_cancellation.IsCancellationRequested || cancellationToken.IsCancellationRequested)
        {
            EndUnserved(SLoRA.FinishReason.Cancelled, null);
            throw Cancelled(cancellationToken);
        }

        _trace = RequestTrace.Start(Request);
        Submit();
        try
        {
            using var consumer = new StreamConsumer(this, _cancellation, cancellationToken);
            while (await _updates.WaitToReadAsync().ConfigureAwait(false))
            {
                while (_updates.TryRead(out GenerationUpdate update, out int left))
                {
                    if (left == _port.StreamBuffer - 1)
                    {
                        _port.WakeUp();
                    }

                    if (TShown.Shows(update, out T shown))
                    {
                        yield return shown;
                    }
                }
            }

            if (FinishReason == SLoRA.FinishReason.Cancelled)
            {
                throw Cancelled(cancellationToken);
            }
        }
        finally
        {
            if (!_ended.Task.IsCompleted)
            {
                Cancel();
                await _ended.Task.ConfigureAwait(false);
            }
        }
    }

    /// <summary>Why a request ended, given why its continuations did.</summary>
    internal static FinishReason ReasonOf(IReadOnlyList<FinishReason> reasons) => reasons.FirstOrDefault(
        reason => reason is SLoRA.FinishReason.Cancelled or SLoRA.FinishReason.Deadline or SLoRA.FinishReason.Failed
            or SLoRA.FinishReason.Disposed or SLoRA.FinishReason.FirstTokenTarget,
        reasons[0]);

    /// <summary>Notes a token that has been chosen. Called by the engine's thread.</summary>
    internal void Write(in GeneratedToken token) => _updates.Write(new GenerationUpdate(token));

    /// <summary>Notes that a continuation has ended. Called by the engine's thread.</summary>
    internal void Write(ContinuationEnd end) => _updates.Write(new GenerationUpdate(end));

    /// <summary>Hands what has been noted to the consumer. Called by the engine's thread.</summary>
    internal void Publish() => _updates.Publish();

    /// <summary>Notes how probable a token of the prompt was.</summary>
    internal void PublishPrompt(int index, PromptTokenLogProbability token) =>
        (_prompt ??= new PromptTokenLogProbability?[Request.Prompt.Length])[index] = token;

    /// <summary>Ends the request as cancelled, if it has not ended; one that is just being handed in, too. Any thread.</summary>
    internal void Cancel()
    {
        _isCancelled = true;
        _port.Cancel(this);
    }

    /// <summary>
    /// Ends the stream, if it has not ended. Called after everything the request held has been returned, by the engine's thread, or by the
    /// consumer's for a request that was never handed in, or not taken.
    /// </summary>
    internal void Complete(IReadOnlyList<FinishReason> reasons, GenerationUsage usage, Exception? error)
    {
        // An engine that ends may tell a stream that is just being refused.
        if (Interlocked.Exchange(ref _completed, 1) == 1)
        {
            return;
        }

        _port.Ended(this);
        Usage = usage;
        FinishReasons = reasons;
        FinishReason = ReasonOf(reasons);
        _trace?.End(FinishReason.Value, usage, error);
        _updates.Complete(error);
        _ended.TrySetResult();
    }

    /// <summary>Ends the stream of a request that never ran.</summary>
    internal void EndUnserved(FinishReason reason, Exception? error) =>
        Complete([.. Enumerable.Repeat(reason, Request.Continuations)], GenerationUsage.Nothing(Request), error);

    /// <summary>
    /// What can ever be unread: the continuations of a stream pause together at the buffer, each of them one token later at most, and once
    /// more when they fork; and the end of each.
    /// </summary>
    private static int Capacity(int buffer, int continuations, int maxTokens) =>
        (int)Math.Min(continuations * (maxTokens + 1L), buffer + (3L * continuations));

    private void Submit()
    {
        try
        {
            _port.Submit(this);
        }
        catch (SLoraException error)
        {
            EndUnserved(error is EngineDisposedException ? SLoRA.FinishReason.Disposed : SLoRA.FinishReason.Failed, error);
            throw;
        }

        if (_isCancelled)
        {
            // The engine may have been told before it had the request, and has forgotten it.
            _port.Cancel(this);
        }
    }

    /// <summary>The error of whoever cancelled: it carries the token that the caller gave.</summary>
    private OperationCanceledException Cancelled(CancellationToken enumeration) =>
        new(_cancellation.IsCancellationRequested ? _cancellation : enumeration);

    /// <summary>What an enumeration shows of the news.</summary>
    private interface IShown<T>
    {
        /// <summary>Whether it shows this piece, and as what.</summary>
        static abstract bool Shows(in GenerationUpdate update, out T shown);
    }

    private readonly struct TokensOnly : IShown<GeneratedToken>
    {
        public static bool Shows(in GenerationUpdate update, out GeneratedToken shown)
        {
            shown = update.Token;
            return update.End is null;
        }
    }

    private readonly struct Everything : IShown<GenerationUpdate>
    {
        public static bool Shows(in GenerationUpdate update, out GenerationUpdate shown)
        {
            shown = update;
            return true;
        }
    }

    private sealed class UpdateView(GenerationStream stream) : IAsyncEnumerable<GenerationUpdate>
    {
        public IAsyncEnumerator<GenerationUpdate> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
            new StreamEnumerator<GenerationUpdate>(stream, stream.Read<GenerationUpdate, Everything>(cancellationToken));
    }
}
