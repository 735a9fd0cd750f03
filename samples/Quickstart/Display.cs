using SLoRA;
using Spectre.Console;

namespace Quickstart;

/// <summary>How loading and answers are shown.</summary>
internal abstract class Display
{
    /// <summary>A live view on a terminal, plain lines elsewhere.</summary>
    public static Display ForConsole() =>
        Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Ansi ? new PlainDisplay() : new LiveDisplay();

    /// <summary>Shows how far loading has come.</summary>
    public abstract Task<TextEngine> LoadAsync(Func<IProgress<LoadProgress>, Task<TextEngine>> load);

    /// <summary>Shows the answers until all are there, then the summary.</summary>
    public abstract Task ShowAsync(Board board, Task answered);
}
