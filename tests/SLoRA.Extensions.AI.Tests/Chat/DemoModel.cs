using SLoRA.Text;

namespace SLoRA.Extensions.AI.Tests.Chat;

/// <summary>The demo model of the samples, and a template with tools for its vocabulary.</summary>
internal static class DemoModel
{
    public static string Folder { get; } = Path.Combine(RepositoryFolder.Root, "samples", "models", "frontdesk");

    public static ModelTokenizer Tokenizer { get; } = ModelTokenizer.Load(Path.Combine(Folder, "model"));

    /// <summary>ChatML with Hermes calls; the tools stand in front, one a line.</summary>
    public static ChatTemplate ToolTemplate { get; } = ChatTemplate.Parse(
        "{%- for tool in tools or [] %}{{ (tool | tojson) + '\\n' }}{% endfor %}"
        + File.ReadAllText(Path.Combine(RepositoryFolder.Fixtures, "tool-templates", "hermes.jinja")));

    public static LoraChatOptions WithTools { get; } = new() { ModelName = "desk", Rendering = new() { Template = ToolTemplate } };

    public static ScriptedEngine Scripted(string answer) => new(Tokenizer, _ => answer);

    public static Task<LoraServingEngine> BuildAsync() => LoraServingEngine.CreateBuilder()
        .UseModel(Path.Combine(Folder, "model"))
        .ConfigurePool(pool => pool.Bytes = 64 << 20)
        .AddAdapter("bakery", Path.Combine(Folder, "adapters", "bakery"))
        .AddAdapter("hotel", Path.Combine(Folder, "adapters", "hotel"))
        .BuildAsync();
}
