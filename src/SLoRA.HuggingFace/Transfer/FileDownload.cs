using Microsoft.Extensions.Logging;
using SLoRA.HuggingFace.Cache;
using SLoRA.HuggingFace.Names;
using SLoRA.HuggingFace.Protocol;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>
/// Brings files of one commit into the cache. A file gets its name when its size and its hash are those that the Hub gave for it; until then it lies beside the
/// blobs, under a name of our own, and is found there by the next run.
/// </summary>
internal sealed class FileDownload(
    HubConnection connection, RepositoryApi api, HubOptions options, ILogger logger, CacheLayout layout, CacheWriter writer, ProgressSum progress, SemaphoreSlim slots)
{
    /// <summary>Brings files, several at a time.</summary>
    public async Task RunAsync(string commit, IReadOnlyCollection<RepositoryFile> files, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var turn = new SemaphoreSlim(options.MaxConnections);

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
        DiskFailure.Guard(writer.MarkCache);
        using BlobLock turn = await LockAsync(file, cancellation).ConfigureAwait(false);

        // Somebody else may have fetched it while we waited.
        if (DiskFailure.Guard(() => writer.Has(commit, file)))
        {
            progress.Add(file.Path, file.Size);
            return;
        }

        if (DiskFailure.Guard(() => writer.HasBlob(file)))
        {
            DiskFailure.Guard(() => writer.Enter(commit, file));
            progress.Add(file.Path, file.Size);
            return;
        }

        await FetchAsync(commit, file, turn.IsReal, cancellation).ConfigureAwait(false);
        if (writer.HasLinks)
        {
            DiskFailure.Guard(() => writer.Enter(commit, file));
        }
    }

    private async Task<BlobLock> LockAsync(RepositoryFile file, CancellationToken cancellation)
    {
        try
        {
            return await BlobLock.TakeAsync(layout.Lock(file.Blob), options.Clock, Wait, cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (DiskFailure.IsOne(error))
        {
            throw DiskFailure.Of(error);
        }

        void Wait()
        {
            Log.WaitsForLock(logger, file.Path);
            progress.Report(HubStage.Waiting, file.Path);
        }
    }

    private async Task FetchAsync(string commit, RepositoryFile file, bool isAlone, CancellationToken cancellation)
    {
        var source = new BlobSource(connection, api.AddressOf(commit, file.Path), file, () => progress.Report(HubStage.Waiting, file.Path));
        PartialFile partial = DiskFailure.Guard(() => PartialFile.Open(writer.Partial(file.Blob, isAlone), file.Size, keeps: isAlone));
        try
        {
            for (bool isResumed = partial.Arrived > 0; ; isResumed = false)
            {
                progress.Report(HubStage.Downloading, file.Path);
                await new BlobTransfer(source, partial, options, slots, progress).RunAsync(cancellation).ConfigureAwait(false);
                progress.Report(HubStage.Verifying, file.Path);
                if (await IsRightAsync(partial, file, cancellation).ConfigureAwait(false))
                {
                    break;
                }

                if (!isResumed)
                {
                    throw new HubException(
                        HubErrorKind.WrongContent, $"{Shown.Name(file.Path)} arrived with other bytes than its hash {file.Blob} says. Nothing of it was kept.") { Files = [file.Path] };
                }

                // What an earlier run left may be at fault.
                Log.StartsAnew(logger, file.Path);
                DiskFailure.Guard(partial.StartAnew);
                progress.Add(file.Path, -file.Size);
            }

            DiskFailure.Guard(() => partial.MoveTo(writer.PlaceOf(commit, file)));
        }
        catch (HubException error) when (error.Kind == HubErrorKind.WrongContent)
        {
            partial.Discard();
            throw;
        }
        finally
        {
            partial.Dispose();
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
