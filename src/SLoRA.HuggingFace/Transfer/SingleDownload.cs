using Microsoft.Extensions.Logging;
using SLoRA.HuggingFace.Cache;
using SLoRA.HuggingFace.Names;
using SLoRA.HuggingFace.Protocol;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>One call for one file: what the Hub says of it, its bytes, and the note of which commit its revision is.</summary>
internal sealed class SingleDownload
{
    private readonly HubOptions _options;
    private readonly ILogger _logger;
    private readonly CacheLayout _layout;
    private readonly CacheWriter _writer;
    private readonly RepositoryApi _api;
    private readonly ProgressSum _progress;
    private readonly HubConnection _connection;
    private string _commit = "";
    private RepositoryFile? _file;

    public SingleDownload(HubConnection connection, HubOptions options, ILogger logger, CacheLayout layout, IProgress<HubProgress>? progress)
    {
        _connection = connection;
        _options = options;
        _logger = logger;
        _layout = layout;
        _writer = new CacheWriter(layout, options.UsesLinks);
        _api = new RepositoryApi(connection, options, layout.Repository);
        _progress = new ProgressSum(progress, options.ReportedBytes);
    }

    /// <summary>Asks what the file is.</summary>
    /// <param name="revision">The revision.</param>
    /// <param name="path">The file.</param>
    /// <param name="isUrgent">Whether it is not in the cache, so that it is worth asking again.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task DescribeAsync(Revision revision, string path, bool isUrgent, CancellationToken cancellation)
    {
        _progress.Report(HubStage.Listing, path);
        try
        {
            FileDescription description = await _api.DescribeAsync(revision, path, isUrgent ? RetryRule.MostAttempts : 1, Wait, cancellation).ConfigureAwait(false);
            _commit = description.Commit;
            _file = new RepositoryFile(path, description.Blob, description.Size) { GitId = description.Blob.Value, ListedSize = description.Size };
        }
        catch (HubException error) when (error.Commit is { } commit && Hex.IsCommit(commit))
        {
            // Other tools ask the cache first whether a file is known not to be.
            DiskFailure.Guard(() => _writer.NoteAbsence(commit, path));
            throw;
        }

        void Wait() => _progress.Report(HubStage.Waiting, path);
    }

    /// <summary>Brings the file if it is not there.</summary>
    /// <returns>Its path.</returns>
    public async Task<string> RunAsync(Revision revision, CancellationToken cancellation)
    {
        RepositoryFile file = _file!;
        if (!DiskFailure.Guard(() => _writer.Has(_commit, file)))
        {
            using var slots = new SemaphoreSlim(_options.MaxConnections);
            _progress.Expect(file.Size);
            await new FileDownload(_connection, _api, _options, _logger, _layout, _writer, _progress, slots)
                .RunAsync(_commit, file, cancellation).ConfigureAwait(false);
        }

        DiskFailure.Guard(() => _writer.Refer(revision, _commit));
        _progress.Report(HubStage.Done, file.Path);
        return _layout.Entry(_commit, file.Path);
    }
}
