using SLoRA.Backends;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Models.Blocks;

/// <summary>
/// A small decoder whose weights are in blocks of Q8_0, but for one part of a group in bf16 and a head in half precision: what its logits
/// are on a backend.
/// </summary>
internal static class BlockedDecoder
{
    private static readonly int[] Prompt = [3, 70, 12, 9, 41, 41];

    public static DecoderDescription Description { get; } = Describe();

    /// <summary>Rows of a step, and output rows.</summary>
    public static int Rows => Prompt.Length;

    public static NamedWeights Weights(int seed) => new(DecoderModules.Of(Description), seed, FormatOf);

    /// <summary>Loads the decoder and computes the logits of every token of a prompt.</summary>
    /// <param name="backend">Where.</param>
    /// <param name="source">Tensor name → weight.</param>
    public static float[][] Logits(IBackend backend, Func<string, WeightSource> source)
    {
        var layout = KvLayout.For(Description.Kept, TensorType.F32, pageTokens: 4);
        backend.AllocatePages(layout, 2);
        LoadedDecoder loaded =
            DecoderLoader.Load(Description, DecoderModules.Of(Description), source, backend, static _ => { });
        var decoder = new Decoder(Description, loaded, backend);
        backend.CompleteLoading(Description.Shape);
        var plan = new StepPlan(Rows, Rows);
        plan.AddSlice(Prompt, 0, [0, 1], Rows);
        decoder.Run(plan);
        return [.. Enumerable.Range(0, Rows).Select(row => decoder.Logits(row).ToArray())];
    }

    private static WeightFormat FormatOf(ExpectedTensor tensor) => tensor switch
    {
        { Shape.Length: 1 } => WeightFormat.F32,
        _ when tensor.Name.Contains("v_proj", StringComparison.Ordinal) => WeightFormat.BF16,
        _ when tensor.Name.StartsWith("lm_head", StringComparison.Ordinal) => WeightFormat.F16,
        _ => WeightFormat.Q8_0,
    };

    private static DecoderDescription Describe()
    {
        GroupedAttention attention = Layouts.Attention(4, 2, 16);
        LayerDescription layer = new(
            new Branch(
                new NormModule("input_layernorm", 64, 1e-5f),
                new AttentionBlock { HiddenSize = 64, Shape = attention, Rope = Layouts.Rope(attention), QkvBias = true }),
            new Branch(
                new NormModule("post_attention_layernorm", 64, 1e-5f),
                new GatedMlpBlock { HiddenSize = 64, IntermediateSize = 96, Activation = Activation.Silu }));
        return new DecoderDescription
        {
            Architecture = "test",
            VocabularySize = 90,
            HiddenSize = 64,
            ContextLength = 16,
            FinalNorm = new NormModule("norm", 64, 1e-5f),
            TiedEmbeddings = false,
            WeightType = TensorType.F32,
            Layers = [layer, layer],
            EndOfSequence = [],
        };
    }
}
