namespace SLoRA.HuggingFace.Transfer;

/// <summary>
/// Brings the bytes of one file into a partial file: in one piece, or, where the file is large and its server gives ranges, in several at a
/// time. That the bytes are right is for somebody else to check.
/// </summary>
/// <param name="source">Where the bytes come from.</param>
/// <param name="partial">Where they go.</param>
/// <param name="options">Sizes and times.</param>
/// <param name="slots">One for each transfer that may run at a time, shared by all files.</param>
/// <param name="progress">Told about every byte.</param>
internal sealed class BlobTransfer(BlobSource source, PartialFile partial, HubOptions options, SemaphoreSlim slots, ProgressSum progress)
{
    private readonly Queue<ByteRange> _pieces = new();
    private readonly TaskCompletionSource<bool> _comesInPieces = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isShared;
    private long _counted;

    /// <summary>Fetches what is missing.</summary>
    /// <exception cref="HubException">It cannot be had, or its length is not the file's.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        Count(partial.Arrived);
        partial.Missing(options.PartBytes).ForEach(_pieces.Enqueue);
        if (!_pieces.TryDequeue(out ByteRange first))
        {
            return;
        }

        // The first answer tells whether the server gives parts at all.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var running = new List<Task> { FetchAsync(first, stop.Token) };
        if (_pieces.Count > 0)
        {
            await Task.WhenAny(_comesInPieces.Task, running[0]).ConfigureAwait(false);
            if (_comesInPieces.Task is { IsCompletedSuccessfully: true, Result: true })
            {
                _isShared = true;
                int helpers = Math.Min(options.MaxConnections - 1, _pieces.Count);
                running.AddRange(Enumerable.Range(0, helpers).Select(_ => FetchNextAsync(stop.Token)));
            }
        }

        await FirstFailure.WhenAllAsync(running, stop).ConfigureAwait(false);
    }

    /// <summary>Told by a piece that the server gives parts.</summary>
    public void TakePieces() => _comesInPieces.TrySetResult(true);

    /// <summary>Told by a piece that the server gives the whole file from its start.</summary>
    /// <returns>Whether it may be taken so: not while others fetch their pieces.</returns>
    public bool TryTakeWhole()
    {
        lock (_pieces)
        {
            if (_isShared)
            {
                return false;
            }

            _pieces.Clear();
        }

        _comesInPieces.TrySetResult(false);
        DiskFailure.Guard(partial.StartAnew);
        Count(-_counted);
        return true;
    }

    /// <summary>Told about bytes that have been written.</summary>
    public void Count(long bytes)
    {
        Interlocked.Add(ref _counted, bytes);
        progress.Add(source.File.Path, bytes);
    }

    private async Task FetchAsync(ByteRange piece, CancellationToken cancellation)
    {
        await FetchOneAsync(piece, cancellation).ConfigureAwait(false);
        await FetchNextAsync(cancellation).ConfigureAwait(false);
    }

    private async Task FetchNextAsync(CancellationToken cancellation)
    {
        while (TryDequeue(out ByteRange piece))
        {
            await FetchOneAsync(piece, cancellation).ConfigureAwait(false);
        }
    }

    private async Task FetchOneAsync(ByteRange piece, CancellationToken cancellation)
    {
        await slots.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await new PieceTransfer(this, source, partial, options, piece).RunAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            slots.Release();
        }
    }

    private bool TryDequeue(out ByteRange piece)
    {
        lock (_pieces)
        {
            return _pieces.TryDequeue(out piece);
        }
    }
}
