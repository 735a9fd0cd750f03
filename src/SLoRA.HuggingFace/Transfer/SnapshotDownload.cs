using Microsoft.Extensions.Logging;
using SLoRA.HuggingFace.Cache;
using SLoRA.HuggingFace.Names;
using SLoRA.HuggingFace.Protocol;
using SLoRA.HuggingFace.Selection;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>
/// One call for the files of a revision: which commit it is, what the commit has, what of that is wanted and missing. The name of the revision is noted last, so
/// that it leads to a whole snapshot: to the one before, if this one does not come to its end.
/// </summary>
internal sealed class SnapshotDownload
{
    private readonly HubOptions _options;
    private readonly ILogger _logger;
    private readonly CacheLayout _layout;
    private readonly CacheWriter _writer;
    private readonly RepositoryApi _api;
    private readonly ProgressSum _progress;
    private readonly HubConnection _connection;
    private string _commit = "";
    private IReadOnlyDictionary<string, RepositoryFile> _tree = new Dictionary<string, RepositoryFile>();

    public SnapshotDownload(HubConnection connection, HubOptions options, ILogger logger, CacheLayout layout, IProgress<HubProgress>? progress)
    {
        _connection = connection;
        _options = options;
        _logger = logger;
        _layout = layout;
        _writer = new CacheWriter(layout, options.UsesLinks);
        _api = new RepositoryApi(connection, options, layout.Repository);
        _progress = new ProgressSum(progress, options.ReportedBytes);
    }

    /// <summary>Learns which commit the revision is and which files it has.</summary>
    /// <param name="revision">The revision.</param>
    /// <param name="isUrgent">Whether there is nothing in the cache that would do, so that it is worth asking again.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task ListAsync(Revision revision, bool isUrgent, CancellationToken cancellation)
    {
        _progress.Report(HubStage.Listing, null);
        int attempts = isUrgent ? RetryRule.MostAttempts : 1;
        _commit = revision.IsCommit ? revision.Value : await _api.CommitOfAsync(revision, attempts, Wait, cancellation).ConfigureAwait(false);
        if (TreeFile.Read(_layout.Tree(_commit)) is { } known)
        {
            _tree = known;
            return;
        }

        _tree = await _api.FilesOfAsync(_commit, Wait, cancellation).ConfigureAwait(false);
        DiskFailure.Guard(() => _writer.List(_commit, _tree.Values));
    }

    /// <summary>Brings what is wanted and missing.</summary>
    /// <returns>The folder of the selection.</returns>
    public async Task<string> RunAsync(Revision revision, HubFiles files, CancellationToken cancellation)
    {
        using var slots = new SemaphoreSlim(_options.MaxConnections);
        var download = new FileDownload(_connection, _api, _options, _logger, _layout, _writer, _progress, slots);
        var known = new HashSet<string>(_tree.Keys, StringComparer.Ordinal);
        if (Needs.IndexOf(files, known) is { } index && !_writer.Has(_commit, _tree[index]))
        {
            // It says which weights are wanted.
            _progress.Expect(_tree[index].Size);
            await download.RunAsync(_commit, _tree[index], cancellation).ConfigureAwait(false);
        }

        List<RepositoryFile> missing = Missing(Wanted(revision, files, known));
        CheckSpace(missing);
        if (missing.Count > 0)
        {
            Log.Downloads(_logger, missing.Count, missing.Sum(file => file.Size), _layout.Repository.Value, _commit);
            _progress.Expect(missing.Sum(file => file.Size));
            await download.RunAsync(_commit, missing, cancellation).ConfigureAwait(false);
        }

        HubSnapshot snapshot = SnapshotReader.Look(_layout, Revision.Parse(_commit), files);
        if (!snapshot.IsComplete)
        {
            throw SnapshotReader.Error(snapshot, ", although all that the Hub has of it was downloaded.");
        }

        DiskFailure.Guard(() => _writer.Refer(revision, _commit));
        if (!_writer.HasLinks)
        {
            Log.CopiesFiles(_logger, snapshot.Root!);
        }

        Log.Ready(_logger, _layout.Repository.Value, _commit, snapshot.Folder!);
        _progress.Report(HubStage.Done, null);
        return snapshot.Folder!;
    }

    private List<RepositoryFile> Wanted(Revision revision, HubFiles files, HashSet<string> known)
    {
        Needs needs = Needs.Of(files, known, index => ShardIndex.Read(_layout.Entry(_commit, index)));
        string[] absent = [.. needs.Required.Where(path => !known.Contains(path))];
        string where = $"{_layout.Repository} at {Shown.Name(revision.Value)}";
        if (absent.Length > 0)
        {
            throw new HubException(HubErrorKind.FileNotFound, $"{where} has no {Shown.Names(absent)}; weights are served from safetensors alone.") { Files = absent };
        }

        return needs.Required.Count + needs.Beside.Count > 0
            ? [.. needs.Required.Concat(needs.Beside).Select(path => _tree[path])]
            : throw new HubException(HubErrorKind.FileNotFound, $"{where} has no file that matches.");
    }

    private List<RepositoryFile> Missing(List<RepositoryFile> wanted) =>
        DiskFailure.Guard(() => wanted.Where(file => !_writer.Has(_commit, file)).ToList());

    private void CheckSpace(List<RepositoryFile> missing)
    {
        long needed = missing.Where(file => !_writer.HasBlob(file)).DistinctBy(file => file.Blob).Sum(file => file.Size - _writer.PartialBytes(file.Blob));
        if (needed > 0 && _options.FreeBytes(_layout.Cache) is { } free && free < needed)
        {
            throw new HubException(HubErrorKind.Disk, $"{_layout.Repository} needs {needed} bytes more, and the disk of {_layout.Cache} has {free} left.");
        }
    }

    private void Wait() => _progress.Report(HubStage.Waiting, null);
}
