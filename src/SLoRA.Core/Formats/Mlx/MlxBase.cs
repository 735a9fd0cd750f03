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
}
