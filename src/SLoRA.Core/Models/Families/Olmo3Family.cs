using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>Olmo3ForCausalLM: OLMo 2 with windows on three of four layers, whose rotation is a plain one.</summary>
internal static class Olmo3Family
{
    private const int DefaultWindow = 4096;
    private const int FullEvery = 4;
    private const double DefaultTheta = 5e5;

    public static DecoderFamily Family { get; } = new("Olmo3ForCausalLM", "olmo3", Describe);

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = Olmo2Family.Read(config);
        (RopeDescription full, RopeDescription windowed) = RopeConfig.ReadKinds(
            config, dense.RopeLayout with { Theta = DefaultTheta }, windowedThetaKey: null, DefaultTheta);
        dense = dense with { Rope = full };
        int? window = config.Names("sliding_window") ? config.OptionalInt("sliding_window", 1, int.MaxValue) : DefaultWindow;
        GatedMlpBlock mlp = dense.Mlp();
        return dense.Decoder(
            Family.Architecture,
            (LayerTypes.Read(config, dense.Layers) ?? LayerTypes.FullEvery(dense.Layers, FullEvery)).Select(slides => Olmo2Family.Layer(
                dense, Olmo2Family.Attention(dense, slides ? window : null) with { Rope = slides ? windowed : full }, mlp)));
    }
}
