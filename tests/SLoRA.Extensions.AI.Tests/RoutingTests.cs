using Microsoft.Extensions.AI;
using SLoRA.Extensions.AI.Tests.Chat;

namespace SLoRA.Extensions.AI.Tests;

// Routing is marked as an experiment of its package.
#pragma warning disable MEAI001

/// <summary>Clients of adapters as the routes of clients that choose by the meaning of what is asked.</summary>
public sealed class RoutingTests
{
    [TestCase("A loaf of bread, please", "bakery")]
    [TestCase("A room for the night", "hotel")]
    [TestCase("What is the time?", "desk")]
    public async Task A_question_goes_to_the_adapter_whose_examples_are_nearest(string question, string expected)
    {
        ScriptedEngine engine = DemoModel.Scripted("Yes.");
        LoraChatClient client = engine.AsChatClient(DemoModel.Tokenizer, new LoraChatOptions { ModelName = "desk" });
        var routes = new Dictionary<IChatClient, IReadOnlyList<string>>
        {
            [client.ForAdapter("bakery")] = ["bread and cake"],
            [client.ForAdapter("hotel")] = ["a room with a bed"],
        };
        using var router = new SemanticRoutingChatClient(new WordEmbeddings(), routes, client, 0.5f);
        ChatResponse response = await router.GetResponseAsync(question);
        Assert.That((response.ModelId, response.Text), Is.EqualTo((expected, "Yes.")));
    }

    /// <summary>A place for bread, one for rooms, one for all else.</summary>
    private sealed class WordEmbeddings : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(value => new Embedding<float>(
                value.Contains("bread", StringComparison.Ordinal) ? new float[] { 1, 0, 0 }
                : value.Contains("room", StringComparison.Ordinal) ? new float[] { 0, 1, 0 } : new float[] { 0, 0, 1 }))));

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
