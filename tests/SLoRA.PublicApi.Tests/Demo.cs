using System.Text.Json.Nodes;
using SLoRA.Text;

namespace SLoRA.PublicApi.Tests;

/// <summary>The demo model with its tenants, and the answers that it is known to give.</summary>
internal static class Demo
{
    public const string Hours = "When are you open?";

    public static readonly string[] Tenants = ["bakery", "bicycles", "clinic", "garden", "hotel", "library", "museum", "observatory"];

    private static readonly Lazy<ModelTokenizer> LazyTokenizer = new(() => ModelTokenizer.Load(Model));
    private static readonly Lazy<IReadOnlyList<DemoCase>> LazyCases = new(ReadCases);

    public static string Model => Repository.PathOf("samples", "models", "frontdesk", "model");

    public static ModelTokenizer Tokenizer => LazyTokenizer.Value;

    /// <summary>All cases of expected.json.</summary>
    public static IReadOnlyList<DemoCase> Cases => LazyCases.Value;

    public static string Adapter(string tenant) => Repository.PathOf("samples", "models", "frontdesk", "adapters", tenant);

    /// <summary>The known answer to a single question.</summary>
    public static string Answer(string? adapter, string question = Hours) => Cases.Single(
        known => known.Adapter == adapter && known.Messages is [{ Role: "user" } only]
            && only.Content!.GetValue<string>() == question).Text;

    /// <summary>An engine with all tenants, or with some.</summary>
    public static Task<LoraServingEngine> StartAsync(params string[] tenants) => StartAsync(_ => { }, tenants);

    public static async Task<LoraServingEngine> StartAsync(Action<LoraServingEngineBuilder> configure, params string[] tenants)
    {
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder().UseModel(Model).ConfigurePool(pool => pool.Bytes = 32L << 20);
        foreach (string tenant in tenants)
        {
            builder.AddAdapter(tenant, Adapter(tenant));
        }

        configure(builder);
        return await builder.BuildAsync();
    }

    public static GenerationRequest Request(string? adapter, string question = Hours, int maxTokens = 96) => new()
    {
        Prompt = Tokenizer.EncodeChat([new TemplateMessage("user", question)]),
        Adapter = adapter,
        MaxTokens = maxTokens,
    };

    /// <summary>A request that goes on for so many tokens, whatever the model says.</summary>
    public static GenerationRequest Endless(string? adapter = null, int maxTokens = 1000) =>
        Request(adapter, maxTokens: maxTokens) with { IgnoreEndOfText = true };

    /// <summary>Asks, and takes the whole answer as text.</summary>
    public static async Task<string> AskAsync(
        this LoraServingEngine engine, GenerationRequest request, CancellationToken cancellation = default)
    {
        var ids = new List<int>();
        await foreach (GeneratedToken token in engine.GenerateAsync(request, cancellation))
        {
            ids.Add(token.Id);
        }

        return Tokenizer.Decode(ids.ToArray(), skipSpecialTokens: true);
    }

    /// <summary>Fails unless every page that no adapter holds is free or kept for others, and nothing runs or waits.</summary>
    public static void AssertIdle(LoraServingEngine engine)
    {
        EngineStatus status = engine.Status;
        Assert.Multiple(() =>
        {
            Assert.That(status.Running, Is.Zero, "running");
            Assert.That(status.Waiting, Is.Zero, "waiting");
            Assert.That(status.Pool.Reserved, Is.Zero, "reserved pages");
            Assert.That(status.Pool.Cache, Is.EqualTo(status.Pool.IdlePrefixes), "pages of keys and values, but those that are kept");
        });
    }

    private static List<DemoCase> ReadCases()
    {
        JsonNode document = JsonNode.Parse(File.ReadAllText(Repository.PathOf("samples", "models", "frontdesk", "expected.json")))!;
        return [.. document["cases"]!.AsArray().Select(known => new DemoCase(
            known!["name"]!.GetValue<string>(),
            known["adapter"]?.GetValue<string>(),
            [.. known["messages"]!.AsArray().Select(message => TemplateMessage.FromJson(message!))],
            known["text"]!.GetValue<string>()))];
    }
}

/// <summary>One conversation and its answer.</summary>
internal sealed record DemoCase(string Name, string? Adapter, IReadOnlyList<TemplateMessage> Messages, string Text);
