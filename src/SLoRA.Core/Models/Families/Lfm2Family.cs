using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>Lfm2ForCausalLM: gated short convolutions in most layers, attention with norms of query and key heads in the others.</summary>
internal static class Lfm2Family
{
    private const int Widest = 1 << 24;

    public static DecoderFamily Family { get; } = new("Lfm2ForCausalLM", "lfm2", Describe);

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = Lfm2Layers.Read(config, Width(config));
        return Lfm2Layers.Decoder(dense, Family.Architecture, Enumerable.Repeat<Block>(Lfm2Layers.Mlp(dense), dense.Layers));
    }

    /// <summary>The width of the feed-forward block: two thirds of the one given, times a factor, rounded up, unless told not to.</summary>
    private static int Width(ConfigObject config)
    {
        int given = config.OptionalInt("block_ff_dim", 1, Widest) ?? config.OptionalInt("intermediate_size", 1, Widest) ?? 12288;
        if (!config.Bool("block_auto_adjust_ff_dim", true))
        {
            return given;
        }

        int width = (int)(2L * given / 3);
        if (config.OptionalNumber("block_ffn_dim_multiplier", double.Epsilon, 1e6) is { } factor)
        {
            width = (int)Math.Min(Widest, factor * width);
        }

        int multiple = config.OptionalInt("block_multiple_of", 1, Widest) ?? 256;
        long rounded = ((long)width + multiple - 1) / multiple * multiple;
        return rounded is > 0 and <= Widest
            ? (int)rounded
            : throw config.Error("block_multiple_of", $"makes the feed-forward block {rounded} wide");
    }
}
