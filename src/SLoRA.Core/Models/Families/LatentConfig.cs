using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>The settings of attention over a latent, as DeepSeek-V3 and its descendants have them.</summary>
internal static class LatentConfig
{
    // What fits a group's memory on a GPU, twice as much as any published model has.
    private const int WidestLatent = 1024;
    private const int WidestRotated = 256;
    private const int Widest = 1 << 24;
    private const int WidestHead = 1 << 14;

    /// <summary>The epsilon of the norms inside, whatever the others have.</summary>
    private const float InnerEpsilon = 1e-6f;

    /// <summary>Keys of <see cref="UnservedFeatures"/> that this honours.</summary>
    public static readonly string[] Reads = ["q_lora_rank", "kv_lora_rank", "rope_interleave"];

    /// <summary>Reads what all families share; what rotates is a part of a head.</summary>
    public static DenseConfig Read(ConfigObject config)
    {
        int rotated = config.OptionalInt("qk_rope_head_dim", 2, WidestRotated) ?? 64;
        if (rotated % 2 != 0)
        {
            throw config.Error("qk_rope_head_dim", $"is {rotated}; rotation needs an even number");
        }

        DenseConfig dense = DenseConfig.Read(config, headDim: rotated);
        UnservedFeatures.RefuseIfOn(config, "mlp_bias");
        return dense with
        {
            RopeLayout = dense.RopeLayout with { HeadDim = rotated, AdjacentPairs = config.Bool("rope_interleave", true) },
        };
    }

    /// <summary>Reads the block.</summary>
    public static LatentAttentionBlock Block(DenseConfig dense, int? queryLatent = 1536)
    {
        ConfigObject config = dense.Config;
        int plain = config.OptionalInt("qk_nope_head_dim", 1, WidestHead) ?? 128;
        int rotated = dense.RopeLayout.HeadDim;
        if (dense.Rope.Lengths is not null)
        {
            throw config.Refusal("rope_scaling", "depends on the length of the sequence, which this attention is not served with");
        }

        return new LatentAttentionBlock
        {
            HiddenSize = dense.Hidden,
            Shape = new LatentAttention
            {
                Heads = dense.Heads,
                Latent = config.OptionalInt("kv_lora_rank", 1, WidestLatent) ?? 512,
                Plain = plain,
                Rotated = rotated,
                Value = config.OptionalInt("v_head_dim", 1, WidestHead) ?? 128,
                ScoreScale = (float)(Math.Pow(plain + rotated, -0.5) * Math.Pow(ScoreMagnitude(config), 2)),
                AdjacentPairs = dense.Rope.AdjacentPairs,
            },
            Rope = dense.Rope,
            QueryLatent = config.Names("q_lora_rank") ? config.OptionalInt("q_lora_rank", 1, Widest) : queryLatent,
            NormEpsilon = InnerEpsilon,
            Bias = config.Bool("attention_bias", false),
        };
    }

    /// <summary>yarn scales scores too, by the magnitude that mscale_all_dim names.</summary>
    private static double ScoreMagnitude(ConfigObject config)
    {
        ConfigObject? rope = config.OptionalObject("rope_parameters") ?? config.OptionalObject("rope_scaling");
        string kind = rope?.OptionalString("rope_type") ?? rope?.OptionalString("type") ?? "default";
        double all = rope?.OptionalNumber("mscale_all_dim", 0, 1e30) ?? 0;
        return kind == "default" || all == 0 ? 1 : RopeFrequencies.YarnMagnitude(rope!.Number("factor", double.Epsilon, 1e30), all);
    }
}
