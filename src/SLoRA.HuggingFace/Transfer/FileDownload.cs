using SLoRA.HuggingFace.Cache;
using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>
/// Brings files of one commit into the cache. A file gets its name when its size and its hash are those that the Hub gave for it; until
/// then it lies beside the blobs, under a name of our own, and is found there by the next run.
/// </summary>
/// <param name="call">What it works with.</param>
/// <param name="slots">One for each transfer that may run at a time.</param>
internal sealed class FileDownload(HubCall call, SemaphoreSlim slots)
{
    /// <summary>Compares what would be fetched with what the disk has left.</summary>
    /// <param name="missing">Files that are not in the snapshot.</param>
    /// <exception cref="HubException">There is no room for it.</exception>
    public void CheckSpace(IReadOnlyCollection<RepositoryFile> missing)
    {
        // Files of the same bytes are fetched once, and what an earlier run has left takes its room already.
        IEnumerable<RepositoryFile> fetched = missing.Where(file => !call.Writer.HasBlob(file)).DistinctBy(file => file.Blob);
        long needed = fetched.Sum(file => file.Size - call.Writer.PartialBytes(file.Blob));
        if (needed > 0 && call.Options.FreeBytes(call.Layout.Cache) is { } free && free < needed)
        {
            string problem = $"{call.Layout.Repository} needs {needed} bytes more, and the disk of {call.Layout.Cache} has {free} left.";
            throw new HubException(HubErrorKind.Disk, problem);
        }
    }

    /// <summary>Brings files, several at a time.</summary>
    public async Task RunAsync(string commit, IReadOnlyCollection<RepositoryFile> files, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var turn = new SemaphoreSlim(call.Options.MaxConnections);

        // Files of the same bytes would only wait for each other.
        await FirstFailure.WhenAllAsync([.. files.GroupBy(file => file.Blob).Select(InTurnAsync)], stop).ConfigureAwait(false);

        async Task InTurnAsync(IEnumerable<RepositoryFile> same)
        {
            await turn.WaitAsync(stop.Token).ConfigureAwait(false);
            try
            {
                foreach (RepositoryFile file in same)
                {
                    await RunAsync(commit, file, stop.Token).ConfigureAwait(false);
                }
            }
            finally
            {
                turn.Release();
            }
        }
    }

    /// <summary>Brings a file.</summary>
    public async Task RunAsync(string commit, RepositoryFile file, CancellationToken cancellation)
    {
        DiskFailure.Guard(call.Writer.MarkCache);
        using BlobLock turn = await LockAsync(file, cancellation).ConfigureAwait(false);

        // Somebody else may have fetched it while we waited.
        if (await call.Cached.HaveAsync(commit, file, cancellation).ConfigureAwait(false))
        {
            call.Progress.Add(file.Path, file.Size);
            return;
        }

        if (await call.Cached.HaveBytesAsync(file, cancellation).ConfigureAwait(false))
        {
            DiskFailure.Guard(() => call.Writer.Enter(commit, file));
            call.Progress.Add(file.Path, file.Size);
            return;
        }

        await FetchAsync(commit, file, turn.IsReal, cancellation).ConfigureAwait(false);
        if (call.Writer.HasLinks)
        {
            DiskFailure.Guard(() => call.Writer.Enter(commit, file));
        }
    }

    private async Task<BlobLock> LockAsync(RepositoryFile file, CancellationToken cancellation)
    {
        try
        {
            return await BlobLock.TakeAsync(call.Layout.Lock(file.Blob), call.Options.Clock, Wait, cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (DiskFailure.IsOne(error))
        {
            throw DiskFailure.Of(error);
        }

        void Wait()
        {
            Log.WaitsForLock(call.Logger, file.Path);
            call.Progress.Report(HubStage.Waiting, file.Path);
        }
    }

    private async Task FetchAsync(string commit, RepositoryFile file, bool isAlone, CancellationToken cancellation)
    {
        var source = new BlobSource(
            call.Connection, call.Api.AddressOf(commit, file.Path), file, () => call.Progress.Report(HubStage.Waiting, file.Path));
        PartialFile partial = DiskFailure.Guard(() => PartialFile.Open(call.Writer.Partial(file.Blob, isAlone), file.Size, keeps: isAlone));
        try
        {
            for (bool isResumed = partial.Arrived > 0; ; isResumed = false)
            {
                call.Progress.Report(HubStage.Downloading, file.Path);
                await new BlobTransfer(source, partial, call.Options, slots, call.Progress).RunAsync(cancellation).ConfigureAwait(false);
                call.Progress.Report(HubStage.Verifying, file.Path);
                if (await IsRightAsync(partial, file, cancellation).ConfigureAwait(false))
                {
                    break;
                }

                if (!isResumed)
                {
                    throw source.WrongContent($"{Shown.Name(file.Path)} arrived with other bytes than its hash {file.Blob} says");
                }

                // What an earlier run left may be at fault.
                Log.StartsAnew(call.Logger, file.Path);
                DiskFailure.Guard(partial.StartAnew);
                call.Progress.Add(file.Path, -file.Size);
            }

            DiskFailure.Guard(() => partial.MoveTo(call.Writer.PlaceOf(commit, file)));
        }
        catch (HubException error) when (error.Kind == HubErrorKind.WrongContent)
        {
            partial.Discard();
            throw;
        }
        finally
        {
            DiskFailure.Guard(partial.Dispose);
        }
    }

    private static async Task<bool> IsRightAsync(PartialFile partial, RepositoryFile file, CancellationToken cancellation)
    {
        try
        {
            return await BlobHash.IsAsync(partial.Handle, file.Blob, file.Size, cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (DiskFailure.IsOne(error))
        {
            throw DiskFailure.Of(error);
        }
    }
}
