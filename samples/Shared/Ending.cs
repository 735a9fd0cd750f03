using SLoRA;

namespace Samples;

/// <summary>How a program ends that cannot go on: one line on standard error, and an exit code.</summary>
internal sealed record Ending(int ExitCode, string Message)
{
    /// <summary>The ending that an error stands for; null for a defect, which shows its stack.</summary>
    public static Ending? Of(Exception error) => error switch
    {
        UsageException => new Ending(Samples.ExitCode.Usage, error.Message),
        SLoraException known => new Ending(Samples.ExitCode.Failure, $"{error.Message.ReplaceLineEndings(" ")} ({known.Code})"),
        InsufficientMemoryException => new Ending(Samples.ExitCode.Failure, error.Message),
        // A full disk, a closed terminal. What is wrong with a model's or an adapter's files is an SLoraException.
        IOException or UnauthorizedAccessException =>
            new Ending(Samples.ExitCode.Failure, $"Input or output failed: {error.GetBaseException().Message.ReplaceLineEndings(" ")}"),
        _ => null,
    };

    /// <summary>Says what happened, if anybody can be told.</summary>
    /// <returns>The exit code.</returns>
    public int Tell()
    {
        try
        {
            Console.Error.WriteLine($"error: {Message}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Standard error is full or closed as well: the exit code says it alone.
        }

        return ExitCode;
    }
}
