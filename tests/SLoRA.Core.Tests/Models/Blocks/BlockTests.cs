using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Models.Blocks;

/// <summary>A block is declared once: with a block that no family has, everything that is derived from the declaration is there.</summary>
internal sealed class BlockTests
{
    private const int Hidden = 4;

    [Test]
    public void A_declared_module_is_a_tensor_of_the_checkpoint_and_a_target_of_adapters()
    {
        DecoderModules modules = DecoderModules.Of(Decoder(new MixBlock()));

        Assert.That(
            modules.Tensors.Select(tensor => $"{tensor.Name} [{string.Join(", ", tensor.Shape)}]"),
            Is.EqualTo(new[]
            {
                "model.embed_tokens.weight [9, 4]", "model.layers.0.mix_norm.weight [4]", "model.layers.0.mix.in_proj.weight [6, 4]",
                "model.layers.0.mix.in_proj.bias [6]", "model.layers.0.mix.out_proj.weight [4, 6]", "model.norm.weight [4]",
                "lm_head.weight [9, 4]",
            }));
        Assert.That(
            modules.Targets.Select(target => (target.Index, target.Name, target.IsTarget)),
            Is.EqualTo(new[]
            {
                (0, "model.embed_tokens", true), (1, "model.layers.0.mix.in_proj", true), (2, "model.layers.0.mix.out_proj", false),
                (3, "lm_head", true),
            }));
    }

    [Test]
    public void A_block_that_keeps_nothing_takes_no_place_in_the_pages()
    {
        Assert.That(Decoder(new MixBlock()).Kept, Is.Empty);
        var attention =
            new AttentionBlock { HiddenSize = Hidden, Shape = Layouts.Attention(2, 1, 2), Rope = Layouts.Rope(Layouts.Attention(2, 1, 2)) };
        var keys = new KeyValueShape(1, 2) { Split = Split.OfKeys(attention.Shape) };
        Assert.That(Decoder(new MixBlock(), attention, new MixBlock()).Kept, Is.EqualTo(new[] { new KeptState(keys) }));
    }

    [Test]
    public void A_decoder_of_such_blocks_runs()
    {
        DecoderDescription description = Decoder(new MixBlock());
        using var backend = new ReferenceBackend(8, 8);
        backend.AllocatePages(Layouts.For(TensorType.F32, 1, Layouts.Attention(1, 1, 2)), 1);
        using var weights = new NamedWeights(DecoderModules.Of(description));
        var decoder = new Decoder(description, Load(description, backend, weights), backend);
        var plan = new StepPlan(8, 8);
        plan.AddSlice([3], 0, [0], 1);

        decoder.Run(plan);

        Assert.That(decoder.Logits(0).ToArray(), Is.EqualTo(Expected(weights, token: 3)).Within(1e-5f));
    }

    [Test]
    public void What_is_declared_must_be_loaded_and_what_is_loaded_declared()
    {
        Assert.That(LoadError(new MixBlock { Forgets = true }), Does.Contain("Declared but not loaded: model.layers.0.mix.out_proj"));
        Assert.That(LoadError(new MixBlock { Repeats = true }),
            Does.Contain("model.layers.0.mix.in_proj is not declared by its block, or was loaded before"));
    }

    private static string LoadError(MixBlock block)
    {
        DecoderDescription description = Decoder(block);
        using var backend = new ReferenceBackend(8, 8);
        using var weights = new NamedWeights(DecoderModules.Of(description));
        return Assert.Throws<InvalidOperationException>(() => Load(description, backend, weights))!.Message;
    }

    private static LoadedDecoder Load(DecoderDescription description, IBackend backend, NamedWeights weights) =>
        DecoderLoader.Load(description, DecoderModules.Of(description), weights.Source, backend, static _ => { });

    private static DecoderDescription Decoder(params Block[] blocks) => new()
    {
        Architecture = "test",
        VocabularySize = 9,
        HiddenSize = Hidden,
        ContextLength = 16,
        FinalNorm = new NormModule("norm", Hidden, 1e-5f),
        TiedEmbeddings = false,
        WeightType = TensorType.F32,
        Layers = [.. blocks.Select(block => new LayerDescription(new Branch(new NormModule("mix_norm", Hidden, 1e-5f), block)))],
        EndOfSequence = [],
    };

    /// <summary>The formulas, in double precision and without any of the code under test.</summary>
    private static double[] Expected(NamedWeights weights, int token)
    {
        double[] hidden = weights.Row("model.embed_tokens.weight", token);
        double[] inner = [.. Product(weights, "model.layers.0.mix.in_proj", Norm(weights, "model.layers.0.mix_norm", hidden))
            .Zip(weights.Row("model.layers.0.mix.in_proj.bias", 0), (product, bias) => product + bias)];
        double[] added = [.. hidden.Zip(Product(weights, "model.layers.0.mix.out_proj", inner), (x, y) => x + y)];
        return Product(weights, "lm_head", Norm(weights, "model.norm", added));
    }

    private static double[] Norm(NamedWeights weights, string module, double[] x)
    {
        double scale = 1 / Math.Sqrt((x.Sum(value => value * value) / x.Length) + 1e-5);
        return [.. x.Zip(weights.Row(module + ".weight", 0), (value, weight) => value * scale * weight)];
    }

    private static double[] Product(NamedWeights weights, string module, double[] x) =>
        [.. Enumerable.Range(0, weights.Rows(module + ".weight"))
            .Select(row => weights.Row(module + ".weight", row).Zip(x, (w, value) => w * value).Sum())];

    /// <summary><c>out(in(x) + b)</c>. Everything about its modules stands in this record and nowhere else.</summary>
    private sealed record MixBlock : Block
    {
        public bool Forgets { get; init; }

        public bool Repeats { get; init; }

        public override ImmutableArray<Module> Modules => [In, Out];

        private static LinearModule In => new("mix.in_proj", 6, Hidden, HasBias: true);

        private static LinearModule Out => new("mix.out_proj", Hidden, 6, IsTarget: false);

        public override RunningBlock Load(BlockLoader loader) => new Running(
            loader.Group(In), Repeats ? loader.Group(In) : Forgets ? null : loader.Group(Out), loader.Rows(6));

        private sealed class Running(LinearGroup inward, LinearGroup? outward, DeviceRows inner) : RunningBlock
        {
            public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
            {
                backend.Linear(inward, x, inner);
                backend.Linear(outward!, inner, y);
            }
        }
    }
}
