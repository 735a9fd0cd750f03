using System.Text.Json;
using Microsoft.Extensions.AI;
using SLoRA.Extensions.AI.Tests.Chat;

namespace SLoRA.Extensions.AI.Tests;

/// <summary>The demo model behind chat clients: its answers are those that another implementation has computed.</summary>
public sealed class DemoModelChatTests
{
    private LoraServingEngine _engine = null!;

    public static IEnumerable<TestCaseData> Cases()
    {
        byte[] file = File.ReadAllBytes(Path.Combine(DemoModel.Folder, "expected.json"));
        foreach (JsonElement expected in JsonDocument.Parse(file).RootElement.GetProperty("cases").EnumerateArray())
        {
            // Where the two best tokens are nearly equal, rounding decides.
            if (expected.GetProperty("adapter").GetString() is null or "bakery" or "hotel"
                && expected.GetProperty("min_margin").GetDouble() > 0.5)
            {
                yield return new TestCaseData(expected).SetArgDisplayNames(expected.GetProperty("name").GetString()!);
            }
        }
    }

    [OneTimeSetUp]
    public async Task Build() => _engine = await DemoModel.BuildAsync();

    [OneTimeTearDown]
    public async Task Dispose() => await _engine.DisposeAsync();

    [TestCaseSource(nameof(Cases))]
    public async Task Answers_are_those_of_the_reference(JsonElement expected)
    {
        LoraChatClient client = _engine.AsChatClient();
        ChatMessage[] messages = [.. expected.GetProperty("messages").EnumerateArray().Select(message =>
            new ChatMessage(new ChatRole(message.GetProperty("role").GetString()!), message.GetProperty("content").GetString()))];
        string? adapter = expected.GetProperty("adapter").GetString();
        ChatResponse response = await client.GetResponseAsync(messages, new ChatOptions { ModelId = adapter, MaxOutputTokens = 96 });
        Assert.That(response.Text, Is.EqualTo(expected.GetProperty("text").GetString()));
        Assert.That(response.ModelId, Is.EqualTo(adapter ?? "model"));
        Assert.That(response.Usage!.InputTokenCount, Is.EqualTo(expected.GetProperty("prompt").GetArrayLength()));
        Assert.That(response.Usage.OutputTokenCount, Is.EqualTo(expected.GetProperty("greedy").GetArrayLength()));
        Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
        if (adapter is not null)
        {
            Assert.That(_engine.Adapters.TryGet(adapter, out AdapterStatus? status), Is.True);
            Assert.That(response.AdditionalProperties?["slora.generation"], Is.EqualTo(status!.Generation));
        }
    }

    [Test]
    public async Task Many_streams_on_different_models_at_once_each_get_their_own_answer()
    {
        LoraChatClient client = _engine.AsChatClient();
        string?[] models = [null, "bakery", "hotel"];
        var alone = new Dictionary<string, string>();
        foreach (string? model in models)
        {
            alone[model ?? ""] = (await AskAsync(model)).Text;
        }

        Assert.That(alone.Values, Is.Unique);
        ChatResponse[] together = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => AskAsync(models[i % 3])));
        Assert.That(
            together.Select(response => response.Text), Is.EqualTo(Enumerable.Range(0, 64).Select(i => alone[models[i % 3] ?? ""])));

        Task<ChatResponse> AskAsync(string? model) =>
            client.GetStreamingResponseAsync("When are you open?", new ChatOptions { ModelId = model }).ToChatResponseAsync();
    }

    [Test]
    public async Task Leaving_an_answer_in_the_middle_gives_its_pages_back()
    {
        int inUse = _engine.Status.Pool.CacheInUse;
        await foreach (ChatResponseUpdate _ in _engine.AsChatClient("hotel").GetStreamingResponseAsync(
            "When are you open?", new ChatOptions { AdditionalProperties = new() { ["slora.ignore_eos"] = true } }))
        {
            break;
        }

        // The next answer is computed in steps behind the end of that one.
        await _engine.AsChatClient().GetResponseAsync("Hello!", new ChatOptions { MaxOutputTokens = 1 });
        Assert.That(_engine.Status.Running, Is.Zero);
        Assert.That(_engine.Status.Pool.CacheInUse, Is.EqualTo(inUse));
    }

    [Test]
    public async Task The_deadline_of_a_request_is_thrown_as_it_is()
    {
        var options = new ChatOptions { RawRepresentationFactory = _ => new GenerationOptions { Deadline = TimeSpan.FromTicks(1) } };
        await Assert.ThrowsAsync<DeadlineExceededException>(() => _engine.AsChatClient().GetResponseAsync("Hi", options));
    }

    [Test]
    public async Task A_name_that_the_adapter_source_does_not_know_is_an_unknown_model()
    {
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(Path.Combine(DemoModel.Folder, "model"))
            .ConfigurePool(pool => pool.Bytes = 32 << 20)
            .UseAdapterSource(new KnowsBakery())
            .BuildAsync();
        LoraChatClient client = engine.AsChatClient();
        ChatResponse known = await client.GetResponseAsync("When are you open?", new ChatOptions { ModelId = "bakery" });
        Assert.That(known.ModelId, Is.EqualTo("bakery"));
        ModelNotFoundException? error = await Assert.ThrowsAsync<ModelNotFoundException>(
            () => client.GetResponseAsync("When are you open?", new ChatOptions { ModelId = "nobody" }));
        Assert.That(error!.ModelId, Is.EqualTo("nobody"));
    }

    private sealed class KnowsBakery : IAdapterSource
    {
        public ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken) => ValueTask.FromResult(
            name == "bakery" ? AdapterOrigin.FromFolder(Path.Combine(DemoModel.Folder, "adapters", name)) : null);
    }
}
