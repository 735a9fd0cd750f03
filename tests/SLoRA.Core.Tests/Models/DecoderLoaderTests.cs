using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Core.Tests.Models.Blocks;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Models;

/// <summary>What the loader puts on a device, in which form, and what it makes of it.</summary>
internal sealed class DecoderLoaderTests
{
    private const int Hidden = 8;

    private static readonly GroupedAttention Heads = Layouts.Attention(2, 1, 4);
    private static readonly RopeDescription Rope = Layouts.Rope(Heads);

    private static readonly AttentionBlock Attention = new() { HiddenSize = Hidden, Shape = Heads, Rope = Rope };

    private static readonly GatedMlpBlock Mlp = new() { HiddenSize = Hidden, IntermediateSize = 12, Activation = Activation.Silu };

    [Test]
    public void Every_tensor_comes_to_the_device_once_in_the_form_that_it_is_used_in()
    {
        DecoderDescription decoder = Decoder(
            tied: false,
            Layer(Branch("first", Attention with { QkvBias = true, QueryKeyNorm = new QueryKeyNorm(1e-6f) }), Branch("second", Mlp)));
        Load(decoder, out DeviceLog log);

        Assert.That(log.Loaded, Is.EquivalentTo((string[])
        [
            "table model.embed_tokens.weight",
            "vector model.layers.0.first.weight",
            "matrix model.layers.0.self_attn.q_proj.weight", "vector model.layers.0.self_attn.q_proj.bias",
            "matrix model.layers.0.self_attn.k_proj.weight", "vector model.layers.0.self_attn.k_proj.bias",
            "matrix model.layers.0.self_attn.v_proj.weight", "vector model.layers.0.self_attn.v_proj.bias",
            "matrix model.layers.0.self_attn.o_proj.weight",
            "vector model.layers.0.self_attn.q_norm.weight", "vector model.layers.0.self_attn.k_norm.weight",
            "vector model.layers.0.second.weight",
            "matrix model.layers.0.mlp.gate_proj.weight", "matrix model.layers.0.mlp.up_proj.weight",
            "matrix model.layers.0.mlp.down_proj.weight",
            "vector model.norm.weight",
            "matrix lm_head.weight",
        ]));
    }

    [Test]
    public void A_tied_head_is_made_of_the_embeddings_tensor_and_stays_a_target_of_its_own()
    {
        LoadedDecoder loaded = Load(Decoder(tied: true, Layer(Branch("norm", Mlp))), out DeviceLog log);

        Assert.That(log.Loaded.Where(weight => !weight.Contains("layers", StringComparison.Ordinal)), Is.EquivalentTo((string[])
            ["table model.embed_tokens.weight", "matrix model.embed_tokens.weight", "vector model.norm.weight"]));

        // In the order of the modules: the embedding, gate, up and down, the head.
        Assert.That(loaded.EmbeddingTarget, Is.Zero);
        Assert.That(loaded.Head.Parts.Single().Target, Is.EqualTo(4));
        Assert.That((loaded.Head.Outputs, loaded.Embedding.Entries), Is.EqualTo((9, 9)));
    }

    [Test]
    public void Branches_keep_their_order_and_epsilon_and_only_what_keeps_keys_has_a_place_in_the_pages()
    {
        LoadedDecoder loaded = Load(
            Decoder(tied: false, Layer(Branch("a", Mlp, 1e-3f), Branch("b", Attention, 1e-4f)), Layer(Branch("c", Attention, 1e-2f))),
            out DeviceLog log);
        DeviceRows x = log.CreateRows(RowSet.Step, Hidden), y = log.CreateRows(RowSet.Step, Hidden);
        foreach (LoadedBranch branch in loaded.Branches)
        {
            branch.Block.Run(log, x, y);
        }

        Assert.That(loaded.Branches.Select(branch => branch.Norm!.Epsilon), Is.EqualTo((float[])[1e-3f, 1e-4f, 1e-2f]));
        Assert.That(loaded.Branches.Select(branch => log.NameOf(branch.Norm!.Weight)),
            Is.EqualTo((string[])["model.layers.0.a.weight", "model.layers.0.b.weight", "model.layers.1.c.weight"]));
        Assert.That(log.Ran, Is.EqualTo((string[])
        [
            "gate", "store in layer 0", "attend to layer 0", "store in layer 1", "attend to layer 1",
        ]));
        Assert.That(log.Ropes, Is.EqualTo(1), "one rotation for one description");
    }

    [Test]
    public void Each_tensor_is_told_of_when_it_is_on_the_device_and_what_the_listener_throws_ends_the_loading()
    {
        var told = new List<string>();
        DeviceLog log = null!;
        Assert.That(
            () => Load(Decoder(tied: false, Layer(Branch("norm", Mlp))), out log, weight =>
            {
                told.Add(weight.Name);
                if (told.Count == 3)
                {
                    throw new OperationCanceledException();
                }
            }),
            Throws.TypeOf<OperationCanceledException>());

        Assert.That(told, Has.Count.EqualTo(3).And.Unique);
        Assert.That(log.Loaded.Select(weight => weight.Split(' ')[1]), Is.EqualTo(told));
    }

    private static LoadedDecoder Load(DecoderDescription decoder, out DeviceLog log, Action<WeightSource>? told = null)
    {
        log = new DeviceLog();
        DecoderModules modules = DecoderModules.Of(decoder);
        using var weights = new NamedWeights(modules);
        return DecoderLoader.Load(decoder, modules, weights.Source, log, told ?? (static _ => { }));
    }

    private static Branch Branch(string norm, Block block, float epsilon = 1e-5f) => new(new NormModule(norm, Hidden, epsilon), block);

    private static LayerDescription Layer(params Branch[] branches) => new([.. branches]);

    private static DecoderDescription Decoder(bool tied, params LayerDescription[] layers) => new()
    {
        Architecture = "test",
        VocabularySize = 9,
        HiddenSize = Hidden,
        ContextLength = 16,
        FinalNorm = new NormModule("norm", Hidden, 1e-5f),
        TiedEmbeddings = tied,
        WeightType = TensorType.F32,
        Layers = [.. layers],
        EndOfSequence = [],
    };

    /// <summary>Writes down what is loaded and in which layer of the pages blocks work; computes nothing.</summary>
    private sealed class DeviceLog() : ForwardingBackend(new ReferenceBackend(8, 8))
    {
        private readonly Dictionary<DeviceVector, string> _vectors = new(ReferenceEqualityComparer.Instance);

        public List<string> Loaded { get; } = [];

        public List<string> Ran { get; } = [];

        public int Ropes { get; private set; }

        public string NameOf(DeviceVector vector) => _vectors[vector];

        public override DeviceMatrix LoadMatrix(WeightSource source)
        {
            Loaded.Add($"matrix {source.Name}");
            return base.LoadMatrix(source);
        }

        public override DeviceTable LoadTable(WeightSource source)
        {
            Loaded.Add($"table {source.Name}");
            return base.LoadTable(source);
        }

        public override DeviceVector LoadVector(WeightSource source)
        {
            Loaded.Add($"vector {source.Name}");
            DeviceVector vector = base.LoadVector(source);
            _vectors.Add(vector, source.Name);
            return vector;
        }

        public override DeviceRope CreateRope(RopeDescription rope)
        {
            Ropes++;
            return base.CreateRope(rope);
        }

        public override void Linear(LinearGroup group, DeviceRows x, DeviceRows y)
        {
        }

        public override void Gate(Activation activation, DeviceRows x, DeviceRows y) => Ran.Add("gate");

        public override void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope) =>
            Ran.Add($"store in layer {layer}");

        public override void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y) =>
            Ran.Add($"attend to layer {layer}");
    }
}
