using Microsoft.Extensions.Logging;

namespace SLoRA.HuggingFace;

/// <summary>Everything that is logged, with stable event ids.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Downloads {Files} files, {Bytes} bytes, of {Repository} at {Commit}")]
    public static partial void Downloads(ILogger logger, int files, long bytes, string repository, string commit);

    [LoggerMessage(2, LogLevel.Information, "{Repository} at {Commit} is in {Folder}")]
    public static partial void Ready(ILogger logger, string repository, string commit, string folder);

    [LoggerMessage(3, LogLevel.Warning, "Tries again in {Wait}: {Problem}")]
    public static partial void Retries(ILogger logger, string problem, TimeSpan wait);

    [LoggerMessage(4, LogLevel.Warning, "Uses what the cache has of {Repository}, which may be older than what the Hub has: {Problem}")]
    public static partial void UsesCache(ILogger logger, string repository, string problem);

    [LoggerMessage(5, LogLevel.Information, "Another process downloads {File}; waits for it")]
    public static partial void WaitsForLock(ILogger logger, string file);

    [LoggerMessage(6, LogLevel.Warning, "What an earlier run left of {File} is not what it should be; fetches it anew")]
    public static partial void StartsAnew(ILogger logger, string file);

    [LoggerMessage(7, LogLevel.Debug, "The list of files of {Repository} cannot be kept, and will be asked for again: {Problem}")]
    public static partial void CannotKeep(ILogger logger, string repository, string problem);
}
