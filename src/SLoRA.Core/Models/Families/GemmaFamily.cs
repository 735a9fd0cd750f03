using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// GemmaForCausalLM: embeddings times √hidden, norms of 1 + w, the tanh form of GELU even where the file says <c>gelu</c>, tied.
/// </summary>
internal static class GemmaFamily
{
    /// <summary>The head size of a file without the key.</summary>
    public const int HeadDim = 256;

    private const int DefaultKeyValueHeads = 16;
    private const int DefaultContext = 8192;

    public static DecoderFamily Family { get; } = new("GemmaForCausalLM", "gemma", Describe);

    private static DecoderDescription Describe(ConfigObject config)
    {
        string key = config.Has(Activations.NewerKey) ? Activations.NewerKey : Activations.Key;
        DenseConfig dense = DenseConfig.Read(
            config, headDim: HeadDim, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext, activation: "gelu_pytorch_tanh",
            activationKey: key) with
        {
            NormOffset = 1,
        };
        UnservedFeatures.RefuseIfOn(config, "mlp_bias", "sliding_window");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        bool bias = config.Bool("attention_bias", false);
        AttentionBlock attention = dense.Attention(qkvBias: bias, outputBias: bias);
        GatedMlpBlock mlp = dense.Mlp();
        mlp = mlp.Activation == Activation.Gelu ? mlp with { Activation = Activation.GeluTanh } : mlp;
        NormModule first = dense.Norm("input_layernorm"), second = dense.Norm("post_attention_layernorm");
        var layer = new LayerDescription(new Branch(first, attention), new Branch(second, mlp));
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(layer, dense.Layers), tied: true) with
        {
            EmbeddingMultiplier = MathF.Sqrt(dense.Hidden),
        };
    }
}
