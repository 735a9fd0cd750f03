using System.Numerics;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace SLoRA;

/// <summary>
/// What the engine has made and the consumer has not taken, tokens and ends of continuations: a ring with one writer, the engine's thread,
/// and one reader, who sees what has been published. Writing neither waits nor allocates, but for the first token, which brings the ring's
/// memory; a reader that waits goes on on a thread of the pool.
/// </summary>
/// <remarks>
/// Either side may sleep until the other wakes it. Both wakes rest on the same rule: each side stores its own news, then has a full fence,
/// then looks at the other's. Of two such sides at least one sees the other's store (whichever fence comes second). Let W be the tokens
/// published and R those read. The writer sleeps only when all that it has written is published, and has looked once more after that.
/// <para>
/// <b>The writer sleeps</b> at n unread: it does not write on when it sees W − R ≥ n. R takes every value in turn, so the reader passes
/// R = W − n + 1, the first with which the writer may go on. There it stores R, has its fence, and sees W: it counts n − 1 unread and wakes
/// the writer. If it saw an older W, its fence came before the writer's, which follows the store of W; then the writer, which looks after
/// its own fence, saw this R, or a later one, and did not sleep. A reader that never sees n − 1 has therefore nobody to wake, and one that
/// does may wake a writer that is awake, which costs a look.
/// </para>
/// <para>
/// <b>The reader sleeps</b> when it sees W = R: it stores that it waits, has its fence, and looks at W again; the writer stores W, has its
/// fence, and looks whether somebody waits. One of them sees the other, and whoever exchanges the mark of waiting back to 0 is the one who
/// answers the wait: nobody answers twice.
/// </para>
/// </remarks>
internal sealed class TokenRing<T> : IValueTaskSource<bool>, IThreadPoolWorkItem
    where T : struct
{
    private readonly int _capacity;
    private T[] _items = [];
    private ManualResetValueTaskSourceCore<bool> _arrival;
    private Exception? _error;
    private bool _completed;
    private int _written;
    private int _published;
    private int _read;
    private int _waiting;

    /// <summary>Creates an empty ring.</summary>
    /// <param name="capacity">Tokens that can be unread at one time: the writer looks at <see cref="Unread"/> and never exceeds it.</param>
    public TokenRing(int capacity) => _capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(capacity, 1));

    /// <summary>Tokens written and not read, published or not. Any thread.</summary>
    public int Unread => Volatile.Read(ref _written) - Volatile.Read(ref _read);

    /// <summary>Tokens that the reader can have seen. Any thread.</summary>
    public int Published => Volatile.Read(ref _published);

    /// <summary>Tokens read. Any thread.</summary>
    public int Taken => Volatile.Read(ref _read);

    /// <summary>Appends a token, which the reader sees when it is published. The writer's thread.</summary>
    public void Write(in T token)
    {
        int at = _written;
        if (at - Volatile.Read(ref _read) == _capacity)
        {
            throw new InvalidOperationException($"{_capacity} tokens are unread; the sequence should have been paused.");
        }

        if (_items.Length == 0)
        {
            _items = new T[_capacity];
        }

        _items[at & (_items.Length - 1)] = token;
        Volatile.Write(ref _written, at + 1);
    }

    /// <summary>Lets the reader see what has been written. The writer's thread.</summary>
    public void Publish()
    {
        if (_published != _written)
        {
            Volatile.Write(ref _published, _written);
            WakeReader();
        }
    }

    /// <summary>Nothing more will be written, and what has been is published. Called once.</summary>
    /// <param name="error">What the reader's wait throws when everything has been read; null for a plain end.</param>
    public void Complete(Exception? error)
    {
        _error = error;
        Volatile.Write(ref _published, _written);
        Volatile.Write(ref _completed, true);
        WakeReader();
    }

    /// <summary>Takes the oldest published token. The reader's thread.</summary>
    /// <param name="token">The token.</param>
    /// <param name="left">Published tokens that are still unread: n − 1 says that a writer that stops at n may have stopped, and must be
    /// woken.</param>
    /// <returns>False when there is none now.</returns>
    public bool TryRead(out T token, out int left)
    {
        int at = _read;
        if (at == Volatile.Read(ref _published))
        {
            token = default;
            left = 0;
            return false;
        }

        ref T item = ref _items[at & (_items.Length - 1)];
        token = item;
        item = default;
        Volatile.Write(ref _read, at + 1);
        Interlocked.MemoryBarrier();
        left = Volatile.Read(ref _published) - (at + 1);
        return true;
    }

    /// <summary>
    /// Waits until a token can be read (true) or the end has come (false, or the error). One wait at a time; the reader's thread.
    /// </summary>
    public ValueTask<bool> WaitToReadAsync()
    {
        if (TryAnswer(out bool more))
        {
            return new ValueTask<bool>(more);
        }

        Interlocked.Exchange(ref _waiting, 1);
        return HasNews && Interlocked.Exchange(ref _waiting, 0) == 1
            ? new ValueTask<bool>(Answer())
            : new ValueTask<bool>(this, _arrival.Version);
    }

    /// <summary>
    /// Wakes the reader. The writer may have seen it waiting for the next token only after it had taken the one that was written: then
    /// there is nothing to wake it for, and it waits on. To answer it would end its stream before the end.
    /// </summary>
    void IThreadPoolWorkItem.Execute()
    {
        if (!HasNews)
        {
            Interlocked.Exchange(ref _waiting, 1);
            if (!HasNews || Interlocked.Exchange(ref _waiting, 0) == 0)
            {
                return;
            }
        }

        _arrival.SetResult(true);
    }

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        _arrival.GetResult(token);

        // Now and not before the next wait: what has been answered names the reader, who could not be collected while the engine holds the
        // ring.
        _arrival.Reset();
        return Answer();
    }

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _arrival.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _arrival.OnCompleted(continuation, state, token, flags);

    private bool HasToken => Volatile.Read(ref _published) != Volatile.Read(ref _read);

    private bool HasNews => Volatile.Read(ref _completed) || HasToken;

    private bool TryAnswer(out bool more)
    {
        // Whether it is complete first: everything was written before that.
        bool completed = Volatile.Read(ref _completed);
        more = HasToken;
        if (completed && !more && _error is { } error)
        {
            ExceptionDispatchInfo.Throw(error);
        }

        return completed || more;
    }

    private bool Answer() => TryAnswer(out bool more) && more;

    private void WakeReader()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _waiting) == 1 && Interlocked.Exchange(ref _waiting, 0) == 1)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }
}
