using SLoRA.Formats.Gguf;
using SLoRA.Formats.Mlx;
using SLoRA.Models;
using SLoRA.Models.Blocks;

namespace SLoRA.Adapters.Intake;

/// <summary>What adapters in forms other than PEFT's must know of the base model that they are read for.</summary>
/// <param name="Gguf">What GGUF's must.</param>
/// <param name="Mlx">What MLX's must.</param>
internal readonly record struct AdapterBase(GgufBase Gguf, MlxBase Mlx)
{
    /// <summary>That of a model.</summary>
    public static AdapterBase Of(DecoderDescription decoder) =>
        new(GgufSource.BaseOf(decoder), new MlxBase(decoder.Architecture, decoder.Layers.Length));
}
