using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace SLoRA.Extensions.AI.Tests.Conformance;

public sealed class CachingConformanceTests
{
    private const string Question = "Pick a random number";

    [Test]
    public async Task Caching_OutputVariesWithoutCaching()
    {
        using LoraChatClient client = new ConformanceModel().Client;
        Assert.That((await client.GetResponseAsync(Question)).Text, Is.Not.EqualTo((await client.GetResponseAsync(Question)).Text));
    }

    [Test]
    public async Task Caching_SamePromptResultsInCacheHit_NonStreaming()
    {
        var model = new ConformanceModel();
        using var client = new DistributedCachingChatClient(model.Client, Cache());
        ChatResponse first = await client.GetResponseAsync(Question);
        ChatResponse second = await client.GetResponseAsync(Question);
        ChatResponse other = await client.GetResponseAsync(Question + "!");
        Assert.That(second.Text, Is.EqualTo(first.Text));
        Assert.That((second.ModelId, second.FinishReason), Is.EqualTo((first.ModelId, first.FinishReason)));
        Assert.That(second.Usage!.AdditionalCounts!["slora.preemptions"], Is.EqualTo(7));
        Assert.That(other.Text, Is.Not.EqualTo(first.Text));
        Assert.That(model.Calls, Is.EqualTo(2));
    }

    [Test]
    public async Task Caching_SamePromptResultsInCacheHit_Streaming()
    {
        var model = new ConformanceModel();
        using var client = new DistributedCachingChatClient(model.Client, Cache());
        string first = (await client.GetStreamingResponseAsync(Question).ToChatResponseAsync()).Text;
        string second = (await client.GetStreamingResponseAsync(Question).ToChatResponseAsync()).Text;
        string other = (await client.GetStreamingResponseAsync(Question + "!").ToChatResponseAsync()).Text;
        Assert.That(second, Is.EqualTo(first));
        Assert.That(other, Is.Not.EqualTo(first));
        Assert.That(model.Calls, Is.EqualTo(2));
    }

    [Test]
    public async Task Caching_BeforeFunctionInvocation_AvoidsExtraCalls()
    {
        ConformanceModel model = Model();
        int calls = 0;
        using IChatClient client = model.Client.AsBuilder()
            .ConfigureOptions(options => options.Tools = [Temperature(() => $"{100 + ++calls} degrees")])
            .UseDistributedCache(Cache())
            .UseFunctionInvocation()
            .Build();
        Assert.That((await client.GetResponseAsync("What is the temperature?")).Text, Does.Contain("101"));
        Assert.That((await client.GetResponseAsync("What is the temperature?")).Text, Does.Contain("101"));
        Assert.That((calls, model.Calls), Is.EqualTo((1, 2)));
    }

    [Test]
    public async Task Caching_AfterFunctionInvocation_FunctionOutputUnchangedAsync()
    {
        ConformanceModel model = Model();
        int calls = 0;
        using IChatClient client = model.Client.AsBuilder()
            .ConfigureOptions(options => options.Tools = [Temperature(() => $"{101 + (0 * ++calls)} degrees")])
            .UseFunctionInvocation()
            .UseDistributedCache(Cache())
            .Build();
        string first = (await client.GetResponseAsync("What is the temperature?")).Text;
        Assert.That(first, Does.Contain("101"));
        Assert.That((await client.GetResponseAsync("What is the temperature?")).Text, Is.EqualTo(first));
        Assert.That((calls, model.Calls), Is.EqualTo((2, 2)));
    }

    [Test]
    public async Task Caching_AfterFunctionInvocation_FunctionOutputChangedAsync()
    {
        ConformanceModel model = Model();
        int calls = 0;
        using IChatClient client = model.Client.AsBuilder()
            .ConfigureOptions(options => options.Tools = [Temperature(() => $"{100 + ++calls} degrees")])
            .UseFunctionInvocation()
            .UseDistributedCache(Cache())
            .Build();
        Assert.That((await client.GetResponseAsync("What is the temperature?")).Text, Does.Contain("101"));
        Assert.That((await client.GetResponseAsync("What is the temperature?")).Text, Does.Contain("102"));
        Assert.That((calls, model.Calls), Is.EqualTo((2, 3)));
    }

    [Test]
    public async Task Adapters_that_share_a_cache_are_told_apart_by_what_is_added_to_its_key()
    {
        var model = new ConformanceModel();
        MemoryDistributedCache cache = Cache();
        string[] models = ["bakery", "hotel"];
        foreach (string name in models)
        {
            using var client = new DistributedCachingChatClient(model.Client.ForAdapter(name), cache) { CacheKeyAdditionalValues = [name] };
            Assert.That((await client.GetResponseAsync(Question)).ModelId, Is.EqualTo(name));
        }

        Assert.That(model.Calls, Is.EqualTo(2));
    }

    private static ConformanceModel Model() => new ConformanceModel()
        .Knows(ConformanceModel.Result("101"), "It is 101 degrees.")
        .Knows(ConformanceModel.Result("102"), "It is 102 degrees.")
        .Knows("temperature", ConformanceModel.Call("GetTemperature"));

    private static AIFunction Temperature(Func<string> read) => AIFunctionFactory.Create(read, "GetTemperature");

    private static MemoryDistributedCache Cache() => new(Options.Create(new MemoryDistributedCacheOptions()));
}
