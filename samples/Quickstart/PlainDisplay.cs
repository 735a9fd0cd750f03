using SLoRA;

namespace Quickstart;

/// <summary>One line per tenant and the summary: for files, pipes and simple terminals.</summary>
internal sealed class PlainDisplay : Display, IProgress<LoadProgress>
{
    public override Task<TextEngine> LoadAsync(Func<IProgress<LoadProgress>, Task<TextEngine>> load) => load(this);

    public override async Task ShowAsync(Board board, Task answered)
    {
        await answered;
        foreach (Answer answer in board.Answers)
        {
            Console.WriteLine($"{answer.Tenant}: {answer.MarkedText.Trim().ReplaceLineEndings(" / ")}");
        }

        foreach (string line in board.Summary())
        {
            Console.WriteLine(line);
        }
    }

    /// <summary>Progress is for people who watch.</summary>
    public void Report(LoadProgress value)
    {
    }
}
