using SLoRA.Text;

namespace SLoRA.AspNetCore.Tests;

/// <summary>The demo model with its tenants.</summary>
internal static class Demo
{
    public const string Hours = "When are you open?";

    public static readonly string[] Tenants = ["bakery", "bicycles", "clinic", "garden", "hotel", "library", "museum", "observatory"];

    private static readonly Lazy<ModelTokenizer> LazyTokenizer = new(() => ModelTokenizer.Load(Model));

    public static string Model => RepositoryFolder.PathOf("samples", "models", "frontdesk", "model");

    public static ModelTokenizer Tokenizer => LazyTokenizer.Value;

    public static string Adapter(string tenant) => RepositoryFolder.PathOf("samples", "models", "frontdesk", "adapters", tenant);

    /// <summary>An engine with all tenants.</summary>
    public static async Task<LoraServingEngine> StartAsync(Action<LoraServingEngineBuilder>? configure = null)
    {
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder().UseModel(Model).ConfigurePool(pool => pool.Bytes = 64L << 20);
        foreach (string tenant in Tenants)
        {
            builder.AddAdapter(tenant, Adapter(tenant));
        }

        configure?.Invoke(builder);
        return await builder.BuildAsync();
    }

    /// <summary>A question to a tenant, as the generator takes it.</summary>
    public static TextRequest Request(string? adapter, string question = Hours, int maxTokens = 64) => new()
    {
        Messages = [new TemplateMessage("user", question)],
        Adapter = adapter,
        MaxTokens = maxTokens,
    };
}
