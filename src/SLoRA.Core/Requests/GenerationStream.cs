using System.Threading.Channels;
using SLoRA.Engine;

namespace SLoRA;

/// <summary>
/// The answer to one request, token by token. The request is handed in when the enumeration starts, and it can be enumerated once. Leaving the
/// enumeration early, or cancelling it, ends the request within one step; when the enumeration has ended, its pages have been returned.
/// </summary>
/// <remarks>
/// Enumeration throws <see cref="OperationCanceledException"/> when cancelled, <see cref="EngineBusyException"/> when the queue is full,
/// <see cref="EngineDisposedException"/> when the engine goes first, and whatever <see cref="SLoraException"/> made the request fail.
/// One consumer at a time; a slow one makes this request wait and no other.
/// </remarks>
public sealed class GenerationStream : IAsyncEnumerable<GeneratedToken>
{
    private readonly EngineLoop _loop;
    private readonly CancellationToken _cancellation;
    private readonly Channel<GeneratedToken> _tokens;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _started;
    private int _written;
    private int _read;

    internal GenerationStream(EngineLoop loop, GenerationRequest request, int maxTokens, CancellationToken cancellation)
    {
        _loop = loop;
        _cancellation = cancellation;
        Request = request;
        MaxTokens = maxTokens;
        _tokens = Channel.CreateUnbounded<GeneratedToken>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    }

    /// <summary>The request.</summary>
    public GenerationRequest Request { get; }

    /// <summary>Why the request ended; null as long as it has not.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>What the request took; null as long as it has not ended.</summary>
    public GenerationUsage? Usage { get; private set; }

    /// <summary>The most tokens that will be generated.</summary>
    internal int MaxTokens { get; }

    /// <summary>Tokens that the consumer has not taken yet.</summary>
    internal int Unread => Volatile.Read(ref _written) - Volatile.Read(ref _read);

    /// <inheritdoc/>
    public async IAsyncEnumerator<GeneratedToken> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _started, 1) == 1)
        {
            throw new InvalidOperationException("A stream can be enumerated once; hand the request in again for a second answer.");
        }

        using CancellationTokenSource linked = CancellationTokenSource.CreateLinkedTokenSource(_cancellation, cancellationToken);
        if (linked.Token.IsCancellationRequested)
        {
            Complete(SLoRA.FinishReason.Cancelled, GenerationUsage.Nothing(Request), null);
            linked.Token.ThrowIfCancellationRequested();
        }

        _loop.Submit(this);
        try
        {
            using CancellationTokenRegistration registration = linked.Token.UnsafeRegister(
                static stream => ((GenerationStream)stream!).Cancel(), this);
            while (await _tokens.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                while (_tokens.Reader.TryRead(out GeneratedToken token))
                {
                    Interlocked.Increment(ref _read);
                    _loop.Consumed(this);
                    yield return token;
                }
            }

            if (FinishReason == SLoRA.FinishReason.Cancelled)
            {
                throw new OperationCanceledException(linked.Token);
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

    /// <summary>Hands one token to the consumer. Called by the engine's thread.</summary>
    internal void Publish(GeneratedToken token)
    {
        Interlocked.Increment(ref _written);
        _tokens.Writer.TryWrite(token);
    }

    /// <summary>Ends the stream. Called once, by the engine's thread, after everything the request held has been returned.</summary>
    internal void Complete(FinishReason reason, GenerationUsage usage, Exception? error)
    {
        Usage = usage;
        FinishReason = reason;
        _tokens.Writer.TryComplete(error);
        _ended.TrySetResult();
    }

    private void Cancel() => _loop.Cancel(this);
}
