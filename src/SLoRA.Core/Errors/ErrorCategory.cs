namespace SLoRA;

/// <summary>Whose matter an error is: what a host does about it depends on that more than on the error itself.</summary>
public enum ErrorCategory
{
    /// <summary>What was asked for cannot be served as it is: asking again changes nothing. HTTP would say 4xx.</summary>
    Caller,

    /// <summary>There is no room or no time for it now: it can be served later, or by another engine. HTTP would say 429 or 503.</summary>
    Capacity,

    /// <summary>The server is at fault: its files, its device, or the engine itself. HTTP would say 500.</summary>
    Server,
}
