using SLoRA.Text;

namespace Quickstart;

/// <summary>A conversation with one tenant: each line of input is a message, <c>/quit</c> or the end of input ends it.</summary>
internal static class ChatCommand
{
    public static async Task RunAsync(
        ModelFiles files, string tenant, AnswerSettings settings, Display display, CancellationToken cancellation)
    {
        string? adapter = files.AdapterOf(tenant);
        await using TextEngine engine = await display.LoadAsync(progress => TextEngine.LoadAsync(files, progress, cancellation));
        bool isTyped = !Console.IsInputRedirected;
        if (isTyped)
        {
            Console.WriteLine($"You are talking to {tenant}. /quit ends the conversation.");
        }

        var history = new List<TemplateMessage>();
        while (await ReadAsync(isTyped, cancellation) is { } line and not "/quit")
        {
            if (!string.IsNullOrWhiteSpace(line))
            {
                await ReplyAsync(engine, history, line, tenant, adapter, settings, cancellation);
            }
        }
    }

    private static async Task ReplyAsync(
        TextEngine engine, List<TemplateMessage> history, string line, string tenant, string? adapter, AnswerSettings settings,
        CancellationToken cancellation)
    {
        history.Add(new TemplateMessage("user", line));
        int[] prompt = engine.Encode(history, settings.IsRaw);
        while (prompt.Length + settings.MaxTokens > engine.Engine.Model.ContextLength && history.Count > 2)
        {
            // The oldest question and its answer are forgotten first.
            history.RemoveRange(0, 2);
            prompt = engine.Encode(history, settings.IsRaw);
        }

        Console.Write($"{tenant}: ");
        var answer = new Answer(tenant);
        try
        {
            await answer.ReceiveAsync(engine, settings.Request(prompt, adapter), Console.Write, cancellation);
        }
        finally
        {
            Console.WriteLine();
        }

        history.Add(new TemplateMessage("assistant", answer.Text));
    }

    /// <summary>The next line; null at the end of input. Waiting for it can be cancelled, though the console's own read cannot.</summary>
    private static Task<string?> ReadAsync(bool isTyped, CancellationToken cancellation)
    {
        if (isTyped)
        {
            Console.Write("you: ");
        }

        return Task.Run(Console.ReadLine, CancellationToken.None).WaitAsync(cancellation);
    }
}
