using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// GptOssForCausalLM: a sink for every head, windows on every other layer, biases everywhere, experts whose gates and ups alternate and are
/// limited. Experts are stored as blocks of 4-bit numbers or widened.
/// </summary>
internal static class GptOssFamily
{
    private const string Quantisation = "quantization_config";
    private const int DefaultWindow = 128;

    public static DecoderFamily Family { get; } = new("GptOssForCausalLM", "gpt_oss", Describe)
    {
        Reads = ["num_local_experts", "num_experts_per_tok", Quantisation],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, headDim: 64, keyValueHeads: 8, epsilon: 1e-5);
        dense = dense with { RopeLayout = dense.RopeLayout with { Theta = 150000 } };
        UnservedFeatures.RefuseIfOn(config, "mlp_bias");
        bool bias = config.Bool("attention_bias", true);
        (int experts, int chosen) = ExpertsConfig.Read(
            config, ["num_local_experts"], experts: 128, chosen: 4,
            config.Has("num_experts_per_tok") ? "num_experts_per_tok" : "experts_per_token");
        var routing = new Routing { Experts = experts, Chosen = chosen, Score = RouterScore.SoftmaxOfChosen };
        ExpertStorage storage = Storage(config, dense);
        var block = new ExpertsBlock
        {
            HiddenSize = dense.Hidden,
            Routing = routing,
            Router = new LinearModule("mlp.router", experts, dense.Hidden, HasBias: true),
            GateUp = new ExpertModule(
                "mlp.experts", "gate_up_proj", "gate_up_proj", null, experts, 2 * dense.Intermediate, dense.Hidden)
            {
                Storage = storage,
                HasBias = true,
                Order = ExpertOrder.MarkedInputsFirst,
            },
            Down = new ExpertModule("mlp.experts", "down_proj", "down_proj", null, experts, dense.Hidden, dense.Intermediate)
            {
                Storage = storage,
                HasBias = true,
                Place = 1,
                Order = ExpertOrder.MarkedInputsFirst,
            },
            ClampedGate = new ClampedGate(
                (float)(config.OptionalNumber("swiglu_limit", double.Epsilon, 1e30) ?? 7),
                (float)(config.OptionalNumber("swiglu_alpha", double.Epsilon, 1e30) ?? 1.702)),
        };
        int? window = config.Names("sliding_window") ? config.OptionalInt("sliding_window", 1, int.MaxValue) : DefaultWindow;
        ImmutableArray<bool>? types = LayerTypes.Read(config, dense.Layers);
        return dense.Decoder(Family.Architecture, Enumerable.Range(0, dense.Layers).Select(layer =>
            ((Block)(dense.Attention(types?[layer] ?? layer % 2 == 0 ? window : null, qkvBias: bias, outputBias: bias) with
            {
                HasSinks = true,
            }), (Block)block)));
    }

    private static ExpertStorage Storage(ConfigObject config, DenseConfig dense)
    {
        if (config.OptionalObject(Quantisation) is not { } quantisation)
        {
            return ExpertStorage.Transposed;
        }

        string method = quantisation.String("quant_method");
        if (method != "mxfp4")
        {
            throw quantisation.Refusal("quant_method", $"is {Shown.Name(method)}; served is 'mxfp4'");
        }

        return dense.Hidden % 32 == 0 && dense.Intermediate % 32 == 0
            ? ExpertStorage.Mxfp4
            : throw quantisation.Refusal(
                "quant_method",
                $"is mxfp4, in blocks of 32, but hidden_size is {dense.Hidden} and intermediate_size {dense.Intermediate}");
    }
}
