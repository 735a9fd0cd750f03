using Microsoft.Extensions.Logging;

namespace SLoRA.Diagnostics;

/// <summary>Everything that is logged, with stable event ids.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Loaded {Architecture} ({Parameters} parameters) on {Backend}: {Pages} pages of {PageBytes} bytes")]
    public static partial void Loaded(ILogger logger, string architecture, long parameters, string backend, int pages, long pageBytes);

    public static void Registered(ILogger logger, string adapter, AdapterCoverage coverage) => RegisteredShown(logger, Shown.Name(adapter), coverage);

    public static void Unregistered(ILogger logger, string adapter) => UnregisteredShown(logger, Shown.Name(adapter));

    /// <summary>An adapter could not be read. Whoever asked for it is told the problem, but not where on this machine its files lie.</summary>
    public static void NotRead(ILogger logger, AdapterLoadException error, string location) => NotReadShown(logger, error.Message, Shown.Text(location, 4096));

    [LoggerMessage(4, LogLevel.Warning, "generation_config.json asks for {Setting}, which is not applied")]
    public static partial void SettingNotApplied(ILogger logger, string setting);

    [LoggerMessage(5, LogLevel.Critical, "The engine failed and takes no more requests")]
    public static partial void Faulted(ILogger logger, Exception error);

    [LoggerMessage(2, LogLevel.Information, "Registered adapter {Adapter}: {Coverage}")]
    private static partial void RegisteredShown(ILogger logger, string adapter, AdapterCoverage coverage);

    [LoggerMessage(3, LogLevel.Information, "Unregistered adapter {Adapter}")]
    private static partial void UnregisteredShown(ILogger logger, string adapter);

    [LoggerMessage(6, LogLevel.Warning, "{Problem} ({Location})")]
    private static partial void NotReadShown(ILogger logger, string problem, string location);
}
