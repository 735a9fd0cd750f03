using SLoRA.HuggingFace.Cache;
using SLoRA.HuggingFace.Names;
using SLoRA.HuggingFace.Protocol;
using SLoRA.HuggingFace.Selection;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>
/// One call for the files of a revision: which commit it is, what the commit has, what of that is wanted and missing. The name of the
/// revision is noted last, so that it leads to a whole snapshot: to the one before, if this one does not come to its end.
/// </summary>
internal sealed class SnapshotDownload(HubCall call)
{
    private string _commit = "";
    private IReadOnlyDictionary<string, RepositoryFile> _tree = new Dictionary<string, RepositoryFile>();

    /// <summary>Learns which commit the revision is and which files it has.</summary>
    /// <param name="revision">The revision.</param>
    /// <param name="isUrgent">Whether there is nothing in the cache that would do, so that it is worth asking again.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task ListAsync(Revision revision, bool isUrgent, CancellationToken cancellation)
    {
        call.Progress.Report(HubStage.Listing, null);
        int attempts = isUrgent ? RetryRule.MostAttempts : 1;
        _commit = revision.IsCommit
            ? revision.Value
            : await call.Api.CommitOfAsync(revision, attempts, Wait, cancellation).ConfigureAwait(false);
        IReadOnlyDictionary<string, RepositoryFile>? known = TreeFile.Read(call.Layout.Tree(_commit));
        _tree = known ?? await call.Api.FilesOfAsync(_commit, Wait, cancellation).ConfigureAwait(false);

        // A listing that is here may have been made on a system that tells cases apart.
        if (FilePath.Clash([.. _tree.Keys], foldsCase: OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()) is { } clash)
        {
            throw UnsafeFile.Listed(call.Layout.Repository, clash, "it has no place beside another of its files");
        }

        if (known is null)
        {
            KeepListing();
        }
    }

    /// <summary>Brings what is wanted and missing.</summary>
    /// <returns>The folder of the selection.</returns>
    public async Task<string> RunAsync(Revision revision, HubFiles files, CancellationToken cancellation)
    {
        using var slots = new SemaphoreSlim(call.Options.MaxConnections);
        var download = new FileDownload(call, slots);
        var known = new HashSet<string>(_tree.Keys, StringComparer.Ordinal);
        if (Needs.IndexOf(files, known) is { } index)
        {
            // It says which weights are wanted.
            foreach (RepositoryFile file in await MissingAsync([_tree[index]], cancellation).ConfigureAwait(false))
            {
                download.CheckSpace([file]);
                call.Progress.Expect(file.Size);
                await download.RunAsync(_commit, file, cancellation).ConfigureAwait(false);
            }
        }

        List<RepositoryFile> missing = await MissingAsync(Wanted(revision, files, known), cancellation).ConfigureAwait(false);
        download.CheckSpace(missing);
        if (missing.Count > 0)
        {
            long bytes = missing.Sum(file => file.Size);
            Log.Downloads(call.Logger, missing.Count, bytes, call.Layout.Repository.Value, _commit);
            call.Progress.Expect(bytes);
            await download.RunAsync(_commit, missing, cancellation).ConfigureAwait(false);
        }

        HubSnapshot snapshot = SnapshotReader.Look(call.Layout, Revision.Parse(_commit), files);
        if (!snapshot.IsComplete)
        {
            throw SnapshotReader.Error(snapshot, ", although all that the Hub has of it was downloaded.");
        }

        DiskFailure.Guard(() => call.Writer.Refer(revision, _commit));
        Log.Ready(call.Logger, call.Layout.Repository.Value, _commit, snapshot.Folder!);
        call.Progress.Report(HubStage.Done, null);
        return snapshot.Folder!;
    }

    private void KeepListing()
    {
        try
        {
            call.Writer.List(_commit, _tree.Values);
        }
        catch (Exception error) when (DiskFailure.IsOne(error))
        {
            // A cache that is whole may be one that nobody can write to; what does have to be written will say so.
            Log.CannotKeep(call.Logger, call.Layout.Repository.Value, error.Message);
        }
    }

    private List<RepositoryFile> Wanted(Revision revision, HubFiles files, HashSet<string> known)
    {
        Needs needs = Needs.Of(files, known, index => ShardIndex.Read(call.Layout.Entry(_commit, index)));
        string[] absent = [.. needs.Required.Where(path => !known.Contains(path))];
        string where = $"{call.Layout.Repository} at {Shown.Name(revision.Value)}";
        if (absent.Length > 0)
        {
            string problem = $"{where} has no {Shown.Names(absent)}; weights are served from safetensors alone.";
            throw new HubException(HubErrorKind.FileNotFound, problem) { Files = absent };
        }

        return needs.Required.Count + needs.Beside.Count > 0
            ? [.. needs.Required.Concat(needs.Beside).Select(path => _tree[path])]
            : throw new HubException(HubErrorKind.FileNotFound, $"{where} has no file that matches.");
    }

    private async Task<List<RepositoryFile>> MissingAsync(List<RepositoryFile> wanted, CancellationToken cancellation)
    {
        var missing = new List<RepositoryFile>();
        foreach (RepositoryFile file in wanted)
        {
            if (!await call.Cached.HaveAsync(_commit, file, cancellation).ConfigureAwait(false))
            {
                missing.Add(file);
            }
        }

        return missing;
    }

    private void Wait() => call.Progress.Report(HubStage.Waiting, null);
}
