using System.Text.Json.Nodes;
using SLoRA.HuggingFace.Tests.Scenarios;

namespace SLoRA.HuggingFace.Tests;

/// <summary>A model and its adapters on the way from the Hub to answers, by the lines that a program has.</summary>
public sealed class EngineTests : HubScenario
{
    private const string Model = "acme/frontdesk";
    private const string Tenants = "acme/tenants";

    private static readonly string Demo = Path.Combine(RepositoryFolder.Path, "samples", "models", "frontdesk");

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_model_and_its_adapters_come_from_the_Hub_and_answer_as_they_do_from_their_folders(bool usesLinks)
    {
        Hub.Content.Add(Model, Files(Path.Combine(Demo, "model"), ""));
        string commit = Hub.Content.Add(Tenants, [.. Files(Tenant("bakery"), "bakery/"), .. Files(Tenant("hotel"), "hotel/")]);
        HubClient hub = Client(Options(usesLinks: usesLinks));
        string?[] tenants = [null, "bakery", "hotel"];

        await using (LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(await hub.DownloadAsync(Model))
            .AddAdapter("bakery", await hub.DownloadAsync(Tenants, files: HubFiles.Adapter.In("bakery")))
            .UseAdapterSource(new HubAdapterSource(hub, name => name == "hotel" ? new HubAdapter(Tenants, commit, name) : null))
            .ConfigurePool(pool => pool.Bytes = 16L << 20)
            .BuildAsync())
        {
            foreach (string? tenant in tenants)
            {
                Assert.That(await AnswerAsync(engine, tenant), Is.EqualTo(Known(tenant)), tenant);
            }

            Assert.That(async () => await AnswerAsync(engine, "clinic"), Throws.InstanceOf<AdapterNotFoundException>());
        }

        await using LoraServingEngine offline = await LoraServingEngine.CreateBuilder()
            .UseModel(HubCache.Find(Model, cache: Cache))
            .AddAdapter("bakery", HubCache.Find(Tenants, files: HubFiles.Adapter.In("bakery"), cache: Cache))
            .AddAdapter("hotel", HubCache.Find(Tenants, commit, HubFiles.Adapter.In("hotel"), Cache))
            .ConfigurePool(pool => pool.Bytes = 16L << 20)
            .BuildAsync();
        foreach (string? tenant in tenants)
        {
            Assert.That(await AnswerAsync(offline, tenant), Is.EqualTo(Known(tenant)), tenant);
        }
    }

    [Test]
    public async Task A_source_says_why_an_adapter_cannot_be_had()
    {
        var source = new HubAdapterSource(Client(), _ => new HubAdapter(TinyLlama));
        Assert.That(async () => await source.FindAsync("any", CancellationToken.None), Throws.InstanceOf<HubException>()
            .With.Property(nameof(HubException.Files)).EqualTo(new[] { "adapter_config.json", "adapter_model.safetensors" }));
        Assert.That(await new HubAdapterSource(Client(), _ => null).FindAsync("any", CancellationToken.None), Is.Null);
    }

    private static string Tenant(string name) => Path.Combine(Demo, "adapters", name);

    private static (string Path, byte[] Bytes)[] Files(string folder, string below) =>
        [.. Directory.GetFiles(folder).Select(file => (below + Path.GetFileName(file), File.ReadAllBytes(file)))];

    private static async Task<List<int>> AnswerAsync(LoraServingEngine engine, string? adapter)
    {
        var answer = new List<int>();
        var request = new GenerationRequest { Prompt = Ids(Case(adapter)["prompt"]!), Adapter = adapter };
        await foreach (GeneratedToken token in engine.GenerateAsync(request))
        {
            answer.Add(token.Id);
        }

        return answer;
    }

    private static int[] Known(string? adapter) => Ids(Case(adapter)["greedy"]!);

    /// <summary>The first case of an adapter: what transformers and PEFT answer.</summary>
    private static JsonNode Case(string? adapter) => JsonNode.Parse(File.ReadAllText(Path.Combine(Demo, "expected.json")))!["cases"]!
        .AsArray().First(known => (string?)known!["adapter"] == adapter)!;

    private static int[] Ids(JsonNode ids) => [.. ids.AsArray().Select(id => (int)id!)];
}
