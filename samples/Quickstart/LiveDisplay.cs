using SLoRA;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Quickstart;

/// <summary>
/// Progress bars while the model loads; then all answers side by side as they grow, with the engine's last steps and its page pool.
/// </summary>
internal sealed class LiveDisplay : Display
{
    private static readonly TimeSpan FrameTime = TimeSpan.FromMilliseconds(30);

    public override async Task<TextEngine> LoadAsync(Func<IProgress<LoadProgress>, Task<TextEngine>> load) => await AnsiConsole.Progress()
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn())
        .StartAsync(context => load(new ProgressBars(context)));

    public override async Task ShowAsync(Board board, Task answered)
    {
        await AnsiConsole.Live(Draw(board)).StartAsync(async context =>
        {
            using var frames = new PeriodicTimer(FrameTime);
            while (!answered.IsCompleted)
            {
                context.UpdateTarget(Draw(board));
                await Task.WhenAny(answered, frames.WaitForNextTickAsync().AsTask());
            }

            context.UpdateTarget(Draw(board));
            await answered;
        });
        foreach (string line in board.Summary())
        {
            AnsiConsole.WriteLine(line);
        }
    }

    private static Rows Draw(Board board) =>
        new(Answers(board), new Columns(Steps(board.Steps.Seen()), Pool(board.Engine.Status.Pool)) { Expand = false });

    private static Table Answers(Board board)
    {
        string title = $"{board.Question.EscapeMarkup()}  ({board.Tokens} tokens, {board.TokensPerSecond:F0} tokens/s)";
        Table table = new Table().RoundedBorder().Expand().Title(new TableTitle(title));
        table.AddColumn("tenant").AddColumn("answer").AddColumn(new TableColumn("tokens").RightAligned())
            .AddColumn(new TableColumn("tokens/s").RightAligned());
        foreach (Answer answer in board.Answers)
        {
            table.AddRow(
                new Text(answer.Tenant, new Style(Color.Aqua)), new Text(answer.MarkedText), new Text($"{answer.Tokens}"),
                new Text($"{answer.TokensPerSecond:F0}"));
        }

        return table;
    }

    private static Table Steps(IReadOnlyList<StepStatus> steps)
    {
        Table table = new Table().MinimalBorder();
        foreach (string column in (string[])["step", "rows", "prompt", "decode", "sequences", "adapters", "ms"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        const int Shown = 4;
        foreach (StepStatus step in steps.TakeLast(Shown))
        {
            table.AddRow(
                $"{step.Number}", $"{step.Rows}", $"{step.PromptRows}", $"{step.DecodeRows}", $"{step.Sequences}", $"{step.Adapters}",
                $"{step.Duration.TotalMilliseconds:F1}");
        }

        for (int i = steps.Count; i < Shown; i++)
        {
            table.AddEmptyRow();
        }

        return table;
    }

    private static Panel Pool(PoolStatus pool)
    {
        IRenderable pages = new BreakdownChart().Width(40)
            .AddItem("cache", pool.Cache, Color.Green)
            .AddItem("adapters", pool.Adapters, Color.Aqua)
            .AddItem("reserved", pool.Reserved, Color.Yellow)
            .AddItem("free", pool.Free - pool.Reserved, Color.Grey);
        return new Panel(pages).RoundedBorder().Header($"pool: {pool.Total} pages of {pool.PageBytes / 1024} KiB");
    }

    /// <summary>A bar per stage of loading.</summary>
    private sealed class ProgressBars(ProgressContext context) : IProgress<LoadProgress>
    {
        private readonly Dictionary<string, ProgressTask> _stages = [];

        public void Report(LoadProgress value)
        {
            if (!_stages.TryGetValue(value.Stage, out ProgressTask? bar))
            {
                bar = context.AddTask(value.Stage, maxValue: value.BytesTotal);
                _stages.Add(value.Stage, bar);
            }

            bar.Value = value.BytesDone;
        }
    }
}
