using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>Qwen3_5ForCausalLM: gated delta nets in three of four layers, gated attention in the fourth.</summary>
internal static class Qwen35Family
{
    private const int DefaultKeyValueHeads = 4;

    public static DecoderFamily Family { get; } = new("Qwen3_5ForCausalLM", "qwen3_5_text", Describe) { Reads = [.. DeltaNetConfig.Reads] };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DeltaNetConfig.Read(config, DefaultKeyValueHeads);
        return DeltaNetConfig.Decoder(
            dense, Family.Architecture, isGrouped: false, Enumerable.Repeat<Block>(dense.Mlp(), dense.Layers));
    }
}
