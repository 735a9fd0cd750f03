namespace SLoRA.Formats.Mlx;

/// <summary>What an adapter of MLX must know of the base model that it is read for.</summary>
/// <param name="Class">The model's class, as its config.json names it.</param>
/// <param name="Layers">Its layers.</param>
internal readonly record struct MlxBase(string Class, int Layers)
{
    /// <summary>
    /// Whether MLX loads the model with other weights than the checkpoint's: factors that others apply to activations are multiplied in,
    /// and an adapter's B A is added behind them.
    /// </summary>
    public bool FoldsFactors => Class is "FalconH1ForCausalLM";

    /// <summary>The table of token embeddings; null where none can have LoRA.</summary>
    public string? Embedding { get; init; }

    /// <summary>The head.</summary>
    public string? Head { get; init; }

    /// <summary>Whether the head is the table of embeddings, so that what MLX adds to the one is added to the other.</summary>
    public bool IsTied { get; init; }

    /// <summary>Its experts; null if it has none.</summary>
    public MlxExperts? Experts { get; init; }

    /// <summary>Whether a module is the table of embeddings, under whatever wrapper.</summary>
    public bool IsEmbedding(string module) => Embedding is not null && LastOf(module) == LastOf(Embedding);

    /// <summary>Whether a module is in no layer, and is the table of embeddings or the head.</summary>
    public bool IsEnd(string module) => IsEmbedding(module) || (Head is not null && LastOf(module) == LastOf(Head));

    private static string LastOf(string module) => module[(module.LastIndexOf('.') + 1)..];
}
