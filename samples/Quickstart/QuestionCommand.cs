using SLoRA.Text;

namespace Quickstart;

/// <summary>Asks the base and every adapter one question, all at the same time: the engine batches them.</summary>
internal static class QuestionCommand
{
    public static async Task RunAsync(
        ModelFiles files, string question, AnswerSettings settings, Display display, CancellationToken cancellation)
    {
        await using TextEngine engine = await display.LoadAsync(progress => TextEngine.LoadAsync(files, progress, cancellation));
        int[] prompt = engine.Encode([new TemplateMessage("user", question)], settings.IsRaw);
        string[] tenants = [ModelFiles.Base, .. files.Adapters.Select(adapter => adapter.Name)];
        var board = new Board(question, engine.Engine, [.. tenants.Select(tenant => new Answer(tenant))]);
        await display.ShowAsync(board, AnswerAsync());

        async Task AnswerAsync()
        {
            await Task.WhenAll(board.Answers.Select(answer => answer.ReceiveAsync(
                engine,
                settings.Request(prompt, files.AdapterOf(answer.Tenant)),
                _ => board.Steps.Note(engine.Engine.Status.LastStep),
                cancellation)));
            board.Finish();
        }
    }
}
