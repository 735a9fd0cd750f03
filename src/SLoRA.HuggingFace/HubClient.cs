using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SLoRA.HuggingFace.Cache;
using SLoRA.HuggingFace.Names;
using SLoRA.HuggingFace.Protocol;
using SLoRA.HuggingFace.Selection;
using SLoRA.HuggingFace.Transfer;

namespace SLoRA.HuggingFace;

/// <summary>
/// Downloads what is missing in the cache that the tools of the Hugging Face Hub share. A file gets its name when its size and its hash are
/// the ones that the Hub gave for it, so that whatever happens, what has a name is whole; what had arrived when a download ended early is
/// used by the next one. Thread-safe; several processes may download into one cache.
/// </summary>
/// <example><code>builder.UseModel(await hub.DownloadAsync("HuggingFaceTB/SmolLM2-135M-Instruct"))</code></example>
public sealed class HubClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly bool _ownsHttp;
    private readonly HubOptions _options;
    private readonly ILogger _logger;
    private readonly HubConnection _connection;
    private readonly string _cache;

    /// <summary>Creates a client with connections of its own, which works as the environment says.</summary>
    /// <exception cref="InvalidOptionException">The environment names what cannot be.</exception>
    public HubClient()
        : this(new HubOptions())
    {
    }

    /// <summary>Creates a client with connections of its own.</summary>
    /// <param name="options">How it works.</param>
    /// <exception cref="InvalidOptionException">An option is out of bounds.</exception>
    public HubClient(HubOptions options)
        : this(new HttpClient(CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan }, options, null, ownsHttp: true)
    {
    }

    /// <summary>Creates a client over the program's own <see cref="HttpClient"/>, such as one of an <c>IHttpClientFactory</c>.</summary>
    /// <param name="http">
    /// What requests go through. It must not follow redirections by itself (<see cref="CreateHandler"/> makes a handler that does not), and
    /// must have no default authorization, which would be sent to every host. It is not disposed.
    /// </param>
    /// <param name="options">How the client works; null for what the environment says.</param>
    /// <param name="logger">Told about downloads, waits and repetitions.</param>
    /// <exception cref="InvalidOptionException">An option is out of bounds.</exception>
    public HubClient(HttpClient http, HubOptions? options = null, ILogger<HubClient>? logger = null)
        : this(http, options, logger, ownsHttp: false)
    {
    }

    private HubClient(HttpClient http, HubOptions? options, ILogger<HubClient>? logger, bool ownsHttp)
    {
        ArgumentNullException.ThrowIfNull(http);
        _http = http;
        _ownsHttp = ownsHttp;
        _options = options ?? new HubOptions();
        _options.Check();
        if (http.DefaultRequestHeaders.Authorization is not null)
        {
            throw new InvalidOptionException(
                "Hub.HttpClient",
                "The HttpClient has a default authorization, which would go to every host; give the token to HubOptions.");
        }

        _logger = logger ?? NullLogger<HubClient>.Instance;
        _cache = Path.GetFullPath(_options.Cache);
        _connection = new HubConnection(http, _options, _logger);
    }

    /// <summary>A handler as the client needs it: redirections come back to it, and no cookies are kept.</summary>
    public static SocketsHttpHandler CreateHandler() =>
        new() { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };

    /// <summary>
    /// Brings the files of a revision that are not in the cache, and gives the folder, for <c>UseModel</c>, <c>AddAdapter</c> or
    /// <c>ModelTokenizer.Load</c>. Where everything is there, one request asks whether the revision has moved; a full commit needs none.
    /// Where the Hub cannot be reached, or refuses, and the cache has what is wanted of this revision, that is given, and the log says so.
    /// </summary>
    /// <param name="repository">The repository, <c>owner/name</c>.</param>
    /// <param name="revision">A branch, a tag or a commit. A branch is what it is now; a full commit never changes.</param>
    /// <param name="files">Which files; null for <see cref="HubFiles.Model"/>. Its subfolder is the folder that is returned.</param>
    /// <param name="progress">Told how far the download is, from any thread.</param>
    /// <param name="cancellationToken">Ends the download. What has arrived stays for the next one.</param>
    /// <exception cref="HubException">
    /// A name is none, the Hub has not what is wanted or does not give it, or the cache cannot be written.
    /// </exception>
    public async Task<string> DownloadAsync(
        string repository,
        string revision = "main",
        HubFiles? files = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        var layout = new CacheLayout(_cache, RepositoryId.Parse(repository));
        var wanted = Revision.Parse(revision);
        files ??= HubFiles.Model;
        HubSnapshot cached = SnapshotReader.Look(layout, wanted, files);
        if (_options.Offline)
        {
            return cached.IsComplete ? cached.Folder! : throw SnapshotReader.Error(cached, ", and the client is offline.");
        }

        var download = new SnapshotDownload(new HubCall(_connection, _options, _logger, layout, progress));
        try
        {
            await download.ListAsync(wanted, isUrgent: !cached.IsComplete, cancellationToken).ConfigureAwait(false);
        }
        catch (HubException error) when (cached.IsComplete && IsNoAnswer(error.Kind))
        {
            Log.UsesCache(_logger, repository, error.Message);
            return cached.Folder!;
        }

        return await download.RunAsync(wanted, files, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Brings one file of a revision, if it is not in the cache, and gives its path. One request asks whether it has changed; a full commit
    /// needs none.
    /// </summary>
    /// <param name="repository">The repository, <c>owner/name</c>.</param>
    /// <param name="path">The file's path in the repository.</param>
    /// <param name="revision">A branch, a tag or a commit.</param>
    /// <param name="progress">Told how far the download is, from any thread.</param>
    /// <param name="cancellationToken">Ends the download. What has arrived stays for the next one.</param>
    /// <exception cref="HubException">
    /// A name is none or that of a pickle, the Hub has not the file or does not give it, or the cache cannot be written.
    /// </exception>
    public async Task<string> DownloadFileAsync(
        string repository,
        string path,
        string revision = "main",
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        var layout = new CacheLayout(_cache, RepositoryId.Parse(repository));
        var wanted = Revision.Parse(revision);
        FilePath.Check(path, "file");
        if (HubFiles.IsPickle(path))
        {
            throw UnsafeFile.Pickle(path);
        }

        string? cached = SnapshotReader.FileOf(layout, wanted, path);
        if (cached is not null && (_options.Offline || wanted.IsCommit))
        {
            return cached;
        }

        if (_options.Offline)
        {
            HubErrorKind kind = Directory.Exists(layout.Root) ? HubErrorKind.Incomplete : HubErrorKind.RepositoryNotCached;
            string name = Shown.Name(path);
            string problem = $"The cache has no {name} of {repository} at {Shown.Name(revision)}, and the client is offline.";
            throw new HubException(kind, problem) { Files = [path] };
        }

        var download = new SingleDownload(new HubCall(_connection, _options, _logger, layout, progress));
        try
        {
            await download.DescribeAsync(wanted, path, isUrgent: cached is null, cancellationToken).ConfigureAwait(false);
        }
        catch (HubException error) when (cached is not null && IsNoAnswer(error.Kind))
        {
            Log.UsesCache(_logger, repository, error.Message);
            return cached;
        }

        return await download.RunAsync(wanted, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Closes the client's own connections.</summary>
    public void Dispose()
    {
        if (_ownsHttp)
        {
            _http.Dispose();
        }
    }

    /// <summary>Whether the Hub has said nothing about what was asked, so that what is in the cache is the best there is.</summary>
    private static bool IsNoAnswer(HubErrorKind kind) =>
        kind is HubErrorKind.Unreachable or HubErrorKind.Busy or HubErrorKind.Unauthorized or HubErrorKind.Gated
            or HubErrorKind.RepositoryNotFound;
}
