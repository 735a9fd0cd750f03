namespace SLoRA.AspNetCore;

/// <summary>Messages of the endpoints.</summary>
internal static partial class Log
{
    public const string Category = "SLoRA.AspNetCore";

    public static void RequestFailed(ILogger? logger, Exception error, string code)
    {
        if (logger is not null)
        {
            Failed(logger, code, error);
        }
    }

    [LoggerMessage(1, LogLevel.Error, "A request failed with {Code}", EventName = "RequestFailed")]
    private static partial void Failed(ILogger logger, string code, Exception error);
}
