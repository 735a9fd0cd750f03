using Microsoft.Extensions.Logging;
using SLoRA.Adapters;

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

    [LoggerMessage(5, LogLevel.Critical, "The engine failed and takes no more requests")]
    public static partial void Faulted(ILogger logger, Exception error);

    [LoggerMessage(20, LogLevel.Warning, "Adapter {Adapter} is not what it was, and requests that need to read it are refused until it is refreshed or replaced: it is {Found} now, the name stands for {Expected}")]
    public static partial void Changed(ILogger logger, string adapter, string expected, string found);

    [LoggerMessage(21, LogLevel.Warning, "Adapter {Adapter} is not what it was, and is served as it is now: it was {Before} and is {Now}")]
    public static partial void Adopted(ILogger logger, string adapter, AdapterIdentity before, AdapterIdentity now);
}
