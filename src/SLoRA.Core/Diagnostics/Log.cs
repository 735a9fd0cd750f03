using Microsoft.Extensions.Logging;

namespace SLoRA.Diagnostics;

/// <summary>Everything that is logged, with stable event ids.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Loaded {Architecture} ({Parameters} parameters) on {Backend}: {Pages} pages of {PageBytes} bytes")]
    public static partial void Loaded(ILogger logger, string architecture, long parameters, string backend, int pages, long pageBytes);

    [LoggerMessage(2, LogLevel.Information, "Registered adapter {Adapter}: {Coverage}")]
    public static partial void Registered(ILogger logger, string adapter, AdapterCoverage coverage);

    [LoggerMessage(3, LogLevel.Information, "Unregistered adapter {Adapter}")]
    public static partial void Unregistered(ILogger logger, string adapter);

    [LoggerMessage(4, LogLevel.Warning, "generation_config.json asks for {Setting}, which is not applied")]
    public static partial void SettingNotApplied(ILogger logger, string setting);

    [LoggerMessage(6, LogLevel.Warning, "The {Backend} backend is several times slower than it could be, with {Shortcoming}")]
    public static partial void SlowBackend(ILogger logger, string backend, string shortcoming);

    [LoggerMessage(5, LogLevel.Critical, "The engine failed and takes no more requests")]
    public static partial void Faulted(ILogger logger, Exception error);
}
