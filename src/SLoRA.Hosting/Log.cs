using Microsoft.Extensions.Logging;

namespace SLoRA.Hosting;

/// <summary>What the host's service says.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Loading the model of {Folder}.")]
    public static partial void Loading(ILogger logger, string folder);

    [LoggerMessage(2, LogLevel.Information, "Loading, {Stage}: {Percent} % of {Bytes} bytes.")]
    public static partial void Progress(ILogger logger, string stage, long percent, long bytes);

    [LoggerMessage(3, LogLevel.Information, "Ready: {Engine}.")]
    public static partial void Loaded(ILogger logger, string engine);

    [LoggerMessage(4, LogLevel.Critical, "The model cannot be loaded; the host stops.")]
    public static partial void LoadingFailed(ILogger logger, Exception error);

    [LoggerMessage(5, LogLevel.Information, "No more requests are taken; those that run have {Limit} to their end.")]
    public static partial void Draining(ILogger logger, TimeSpan limit);

    [LoggerMessage(6, LogLevel.Warning, "Requests still run at the end of the time that they had; they are ended.")]
    public static partial void DrainTimedOut(ILogger logger);

    [LoggerMessage(7, LogLevel.Warning, "Requests are not waited for any longer: {Reason}")]
    public static partial void DrainEnded(ILogger logger, string reason);
}
