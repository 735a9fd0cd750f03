namespace SLoRA.Http.Bench.SideBySide;

/// <summary>The same model and adapters as both libraries read them.</summary>
/// <param name="Model">The base as a Hugging Face folder.</param>
/// <param name="Adapters">A folder with a PEFT folder for each tenant.</param>
/// <param name="Gguf">A folder with <c>model.gguf</c> and a file for each tenant, as <c>make_gguf.py</c> makes them.</param>
/// <param name="Tenants">The names of both.</param>
internal sealed record Files(string Model, string Adapters, string Gguf, string[] Tenants)
{
    /// <summary>What both say before a question: templates have defaults of their own.</summary>
    public const string System = "You are a helpful assistant.";

    /// <summary>The most tokens of an answer.</summary>
    public const int MaxTokens = 64;
}
