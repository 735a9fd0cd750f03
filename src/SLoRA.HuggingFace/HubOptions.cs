namespace SLoRA.HuggingFace;

/// <summary>
/// How a <see cref="HubClient"/> works. What is not set is what the environment says, by the variables of the Hub's Python client, at the
/// moment when the object is made. Read once by the client.
/// </summary>
public sealed class HubOptions
{
    /// <summary>
    /// The address of the Hub, <c>HF_ENDPOINT</c> or <c>https://huggingface.co</c>. The token goes to this scheme, host and port alone.
    /// </summary>
    public Uri Endpoint { get; init; } = HubEnvironment.Current.Endpoint;

    /// <summary>The folder of the cache: <see cref="HubCache.Folder"/>. It is made when the first file arrives.</summary>
    public string Cache { get; init; } = HubEnvironment.Current.Cache;

    /// <summary>
    /// The token: <c>HF_TOKEN</c>, or the file that a login has left, unless <c>HF_HUB_DISABLE_IMPLICIT_TOKEN</c> is set. Null sends none.
    /// It appears in no message.
    /// </summary>
    public string? Token { get; init; } = HubEnvironment.Current.Token;

    /// <summary>Whether the network is left alone, <c>HF_HUB_OFFLINE</c>: then only the cache is looked into.</summary>
    public bool Offline { get; init; } = HubEnvironment.Current.Offline;

    /// <summary>
    /// Whether snapshots consist of symbolic links to the files, so that revisions share what they have in common. Where the file system
    /// has none, and with <c>HF_HUB_DISABLE_SYMLINKS</c>, they hold the files themselves.
    /// </summary>
    public bool UsesLinks { get; init; } = HubEnvironment.Current.UsesLinks;

    /// <summary>
    /// Whether files that are in the cache already are compared with their hashes, which reads all of them, and fetched again where they
    /// are others. False by default: what other programs have put there is believed by its size. Nothing is compared while offline.
    /// </summary>
    public bool ChecksCache { get; init; }

    /// <summary>Transfers at a time, of files and of parts of a large file together; from 1 to 64.</summary>
    public int MaxConnections { get; init; } = 8;

    /// <summary>How long an answer may take to begin, <c>HF_HUB_ETAG_TIMEOUT</c> or 10 seconds; above zero, at most a day.</summary>
    public TimeSpan AnswerTimeout { get; init; } = HubEnvironment.Current.AnswerTimeout;

    /// <summary>
    /// How long the next bytes of a file may take, <c>HF_HUB_DOWNLOAD_TIMEOUT</c> or 10 seconds; above zero, at most a day. A whole file
    /// may take any time.
    /// </summary>
    public TimeSpan ReadTimeout { get; init; } = HubEnvironment.Current.ReadTimeout;

    /// <summary>
    /// The longest wait before a request is repeated, whether the Hub asks for it or the client's own rule; from zero, where nothing is
    /// repeated, to a day. Where a longer one is asked for, that is an error at once.
    /// </summary>
    public TimeSpan MaxRetryWait { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>What measures waits and timeouts.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Files above this size are fetched in parts of it, several at a time.</summary>
    internal long PartBytes { get; init; } = 64L << 20;

    /// <summary>
    /// How many bytes of a part are written before it is noted that they are there, for the run after one that was killed.
    /// </summary>
    internal long NotedBytes { get; init; } = 8L << 20;

    /// <summary>How many bytes arrive between two reports.</summary>
    internal long ReportedBytes { get; init; } = 1L << 20;

    /// <summary>Bytes that the disk of a folder has left; null where nobody knows.</summary>
    internal Func<string, long?> FreeBytes { get; init; } = Transfer.DiskSpace.Of;

    internal void Check()
    {
        bool isOfWeb = Endpoint.IsAbsoluteUri && Endpoint.Scheme is "http" or "https";
        if (!isOfWeb || Endpoint is not { Query: "", Fragment: "", UserInfo: "" })
        {
            throw new InvalidOptionException(
                "Hub.Endpoint", "Endpoint must be an absolute address of http or https, without query and user.");
        }

        if (string.IsNullOrWhiteSpace(Cache) || Cache.Contains('\0'))
        {
            throw new InvalidOptionException("Hub.Cache", "Cache must be the path of a folder.");
        }

        if (HubEnvironment.Clean(Token)?.All(c => c is > ' ' and < '\x7f') == false)
        {
            throw new InvalidOptionException("Hub.Token", "Token has characters that no token has; it is not shown here.");
        }

        if (MaxConnections is < 1 or > 64)
        {
            throw new InvalidOptionException("Hub.MaxConnections", $"MaxConnections is {MaxConnections}; it must be from 1 to 64.");
        }

        CheckTime("Hub.AnswerTimeout", AnswerTimeout, mayBeZero: false);
        CheckTime("Hub.ReadTimeout", ReadTimeout, mayBeZero: false);
        CheckTime("Hub.MaxRetryWait", MaxRetryWait, mayBeZero: true);
        ArgumentNullException.ThrowIfNull(Clock);
    }

    private static void CheckTime(string option, TimeSpan time, bool mayBeZero)
    {
        if (time > TimeSpan.FromDays(1) || time < TimeSpan.Zero || (time == TimeSpan.Zero && !mayBeZero))
        {
            string name = option[(option.IndexOf('.', StringComparison.Ordinal) + 1)..];
            throw new InvalidOptionException(option, $"{name} is {time}; it must be {(mayBeZero ? "from zero" : "above zero,")} to a day.");
        }
    }
}
