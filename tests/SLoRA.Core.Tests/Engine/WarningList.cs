using Microsoft.Extensions.Logging;

namespace SLoRA.Core.Tests.Engine;

/// <summary>The texts of warnings that are logged.</summary>
internal sealed class WarningList : ILogger
{
    public List<string> Texts { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel == LogLevel.Warning)
        {
            Texts.Add(formatter(state, exception));
        }
    }
}
