using Microsoft.Extensions.Logging;
using SLoRA.HuggingFace.Cache;
using SLoRA.HuggingFace.Protocol;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>One call of the client: what it works with, from the request to the report.</summary>
internal sealed class HubCall
{
    /// <summary>Begins a call.</summary>
    /// <param name="connection">Sends requests.</param>
    /// <param name="options">The client's options.</param>
    /// <param name="logger">Told about waits and repetitions.</param>
    /// <param name="layout">Where the repository lies in the cache.</param>
    /// <param name="progress">Told how far the call is.</param>
    public HubCall(HubConnection connection, HubOptions options, ILogger logger, CacheLayout layout, IProgress<HubProgress>? progress)
    {
        Connection = connection;
        Options = options;
        Logger = logger;
        Layout = layout;
        Writer = new CacheWriter(layout, options.UsesLinks);
        Api = new RepositoryApi(connection, options, layout.Repository);
        Progress = new ProgressSum(progress, options.ReportedBytes);
        Cached = new CachedFiles(options, layout, Writer, Progress);
    }

    /// <summary>Sends requests.</summary>
    public HubConnection Connection { get; }

    /// <summary>The client's options.</summary>
    public HubOptions Options { get; }

    /// <summary>Told about waits and repetitions.</summary>
    public ILogger Logger { get; }

    /// <summary>Where the repository lies in the cache.</summary>
    public CacheLayout Layout { get; }

    /// <summary>Puts names into the cache.</summary>
    public CacheWriter Writer { get; }

    /// <summary>Says what need not be fetched.</summary>
    public CachedFiles Cached { get; }

    /// <summary>What the Hub says about the repository.</summary>
    public RepositoryApi Api { get; }

    /// <summary>Adds up what the call has done.</summary>
    public ProgressSum Progress { get; }
}
