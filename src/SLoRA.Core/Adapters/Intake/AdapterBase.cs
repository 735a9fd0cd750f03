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
        new(GgufSource.BaseOf(decoder), new MlxBase(decoder.Architecture, decoder.Layers.Length)
        {
            Embedding = decoder.Embedding.Name,
            Head = decoder.Head.Name,
            IsTied = decoder.TiedEmbeddings,
            Experts = ExpertsOf(decoder),
        });

    /// <summary>A first product of one part is the up alone, unless it is called as that of gate and up.</summary>
    private static MlxExperts? ExpertsOf(DecoderDescription decoder)
    {
        ExpertModule[] modules =
            [.. decoder.Layers.SelectMany(layer => layer.Modules).OfType<ExpertModule>().DistinctBy(module => module.Place)];
        if (modules is not [{ } first, { } down])
        {
            return null;
        }

        bool hasGate = first.Second is not null || first.First == "gate_up_proj";
        return new MlxExperts(first.Name, hasGate ? first.First : null, first.Second ?? first.First, down.First);
    }
}
