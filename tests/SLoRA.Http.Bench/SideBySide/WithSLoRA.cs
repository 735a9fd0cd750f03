using Microsoft.Extensions.AI;
using SLoRA.Extensions.AI;

namespace SLoRA.Http.Bench.SideBySide;

internal sealed class WithSLoRA(LoraServingEngine engine, string[] tenants) : ITwoTenants
{
    private static readonly ChatOptions Options = new()
    {
        Instructions = Files.System,
        Temperature = 0,
        MaxOutputTokens = Files.MaxTokens,
    };

    private readonly LoraChatClient _client = engine.AsChatClient();

    public static async Task<WithSLoRA> LoadAsync(Files files)
    {
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder().UseModel(files.Model);
        foreach (string tenant in files.Tenants)
        {
            builder.AddAdapter(tenant, Path.Combine(files.Adapters, tenant));
        }

        return new WithSLoRA(await builder.BuildAsync(), files.Tenants);
    }

    public async Task<int> AskAsync(string[] questions, Action<string, int, string> show)
    {
        int[] tokens = await Task.WhenAll(
            from tenant in tenants from i in Enumerable.Range(0, questions.Length) select AskAsync(tenant, i, questions[i], show));
        return tokens.Sum();
    }

    public ValueTask DisposeAsync() => engine.DisposeAsync();

    private async Task<int> AskAsync(string tenant, int index, string question, Action<string, int, string> show)
    {
        int tokens = 0;
        await foreach (ChatResponseUpdate update in _client.ForAdapter(tenant).GetStreamingResponseAsync(question, Options))
        {
            show(tenant, index, update.Text);
            tokens += (int)(update.Contents.OfType<UsageContent>().FirstOrDefault()?.Details.OutputTokenCount ?? 0);
        }

        return tokens;
    }
}
