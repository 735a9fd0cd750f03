using SLoRA.HuggingFace.Names;
using SLoRA.HuggingFace.Protocol;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>One call for one file: what the Hub says of it, its bytes, and the note of which commit its revision is.</summary>
internal sealed class SingleDownload(HubCall call)
{
    private string _commit = "";
    private RepositoryFile? _file;

    /// <summary>Asks what the file is.</summary>
    /// <param name="revision">The revision.</param>
    /// <param name="path">The file.</param>
    /// <param name="isUrgent">Whether it is not in the cache, so that it is worth asking again.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task DescribeAsync(Revision revision, string path, bool isUrgent, CancellationToken cancellation)
    {
        call.Progress.Report(HubStage.Listing, path);
        int attempts = isUrgent ? RetryRule.MostAttempts : 1;
        try
        {
            FileDescription file = await call.Api.DescribeAsync(revision, path, attempts, Wait, cancellation).ConfigureAwait(false);
            _commit = file.Commit;
            _file = new RepositoryFile(path, file.Blob, file.Size) { GitId = file.Blob.Value, ListedSize = file.Size };
        }
        catch (HubException error) when (error.Commit is { } commit && Hex.IsCommit(commit))
        {
            // Other tools ask the cache first whether a file is known not to be.
            DiskFailure.Guard(() => call.Writer.NoteAbsence(commit, path));
            throw;
        }

        void Wait() => call.Progress.Report(HubStage.Waiting, path);
    }

    /// <summary>Brings the file if it is not there.</summary>
    /// <returns>Its path.</returns>
    public async Task<string> RunAsync(Revision revision, CancellationToken cancellation)
    {
        RepositoryFile file = _file!;
        if (!await call.Cached.HaveAsync(_commit, file, cancellation).ConfigureAwait(false))
        {
            using var slots = new SemaphoreSlim(call.Options.MaxConnections);
            var download = new FileDownload(call, slots);
            download.CheckSpace([file]);
            call.Progress.Expect(file.Size);
            await download.RunAsync(_commit, file, cancellation).ConfigureAwait(false);
        }

        DiskFailure.Guard(() => call.Writer.Refer(revision, _commit));
        call.Progress.Report(HubStage.Done, file.Path);
        return call.Layout.Entry(_commit, file.Path);
    }
}
