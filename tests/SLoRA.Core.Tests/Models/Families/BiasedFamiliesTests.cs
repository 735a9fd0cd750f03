using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Models.Blocks;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Models.Families;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Models.Families;

/// <summary>
/// Biases that families have on request, of which there is no published model: each against a model that is the same by the formulas and is
/// computed otherwise.
/// </summary>
internal sealed class BiasedFamiliesTests
{
    private const string FalconBiases =
        """{"attention_bias":true,"projectors_bias":true,"mamba_proj_bias":true,"mlp_bias":true}""";

    private const double Tolerance = 1e-4;

    /// <summary>
    /// <c>m (W (n x) + b)</c> is <c>(m n W) x + m b</c>: a Falcon-H1 whose multipliers are 1 and whose tensors have taken them over.
    /// </summary>
    [Test]
    public void Falcons_multipliers_reach_weights_and_biases_as_its_formulas_say([Values] bool onCpu)
    {
        DecoderDescription multiplied = Describe("later-falcon-h1", FalconBiases);
        DecoderDescription folded = Describe(
            "later-falcon-h1", FalconBiases,
            """
            {"attention_in_multiplier":1,"attention_out_multiplier":1,"key_multiplier":1,"embedding_multiplier":1,"lm_head_multiplier":1,
             "mlp_multipliers":[1,1],"ssm_in_multiplier":1,"ssm_out_multiplier":1,"ssm_multipliers":[1,1,1,1,1]}
            """);
        float[][] expected = Logits(folded, tensor => [.. Values(tensor).Select((value, i) => value * Folded(tensor, i))], onCpu);
        Assert.That(Distance(Logits(multiplied, Values, onCpu), expected), Is.LessThan(Tolerance));
        foreach (string part in (string[])["q_proj", "v_proj", "o_proj", "mamba.in_proj", "mamba.out_proj", "up_proj"])
        {
            float[][] without = Logits(multiplied, Without(Values, $"{part}.bias"), onCpu);
            Assert.That(Distance(without, expected), Is.GreaterThan(5 * Tolerance), part);
        }

        static float Folded(ExpectedTensor tensor, int i)
        {
            string[] names = tensor.Name.Split('.');
            bool isWeight = names[^1] == "weight";
            float[] parts = [0.7f, 0.8f, 0.5f, 0.9f, 0.6f];
            return names[^2] switch
            {
                "q_proj" or "v_proj" => isWeight ? 1.2f : 1,
                "k_proj" => isWeight ? 1.2f * 0.6f : 0.6f,
                "o_proj" => 0.8f,
                "in_proj" => (isWeight ? 1.3f : 1) * parts[PartOf(isWeight ? i / 40 : i)],
                "out_proj" => 0.7f,
                "gate_proj" => 0.8f,
                "down_proj" => 0.6f,
                "embed_tokens" => 1.5f,
                "lm_head" => 0.5f,
                _ => 1,
            };
        }

        // 48 columns of gates and of values, 8 of keys and of queries, 4 steps.
        static int PartOf(int row) => row < 48 ? 0 : row < 96 ? 1 : row < 104 ? 2 : row < 112 ? 3 : 4;
    }

    /// <summary>A router that always takes one expert makes a feed-forward block of it.</summary>
    [Test]
    public void Every_expert_of_ERNIE_has_its_own_biases([Values(0, 3, 5)] int expert, [Values] bool onCpu)
    {
        DecoderDescription sparse = Describe("later-ernie4-5-moe", """{"use_bias":true,"moe_k":1}""");
        DecoderDescription dense = sparse with
        {
            Layers = [.. sparse.Layers.Select(layer => new LayerDescription([.. layer.Branches.Select(Dense)]))],
        };
        float[][] expected = Logits(dense, Values, onCpu);
        Assert.That(Distance(Logits(sparse, Chosen, onCpu), expected), Is.LessThan(Tolerance));
        foreach (string part in (string[])["gate_proj", "up_proj", "down_proj"])
        {
            float[][] without = Logits(sparse, Without(Chosen, $"experts.{expert}.{part}.bias"), onCpu);
            Assert.That(Distance(without, expected), Is.GreaterThan(5 * Tolerance), part);
        }

        float[] Chosen(ExpectedTensor tensor) => tensor.Name.EndsWith("e_score_correction_bias", StringComparison.Ordinal)
            ? [.. Enumerable.Range(0, 6).Select(e => e == expert ? 100f : 0f)]
            : Values(tensor);

        Branch Dense(Branch branch) => branch.Block is not ExpertsBlock { Shared: GatedMlpBlock shared } experts ? branch : branch with
        {
            Block = new ParallelBlock(
                experts.HiddenSize,
                new Branch(null, shared with { Name = $"mlp.experts.{expert}", IntermediateSize = experts.Down.Inputs }),
                new Branch(null, shared)),
        };
    }

    [Test]
    public void ERNIEs_head_adds_its_bias_beside_the_matrix_of_the_embedding([Values] bool onCpu)
    {
        DecoderDescription decoder = Describe("later-ernie4-5-moe", """{"use_bias":true}""");
        ExpectedTensor bias = DecoderModules.Of(decoder).Tensors.Single(tensor => tensor.Name == "lm_head.bias");
        float[][] with = Logits(decoder, Values, onCpu), without = Logits(decoder with { HeadBias = false }, Values, onCpu);
        Assert.That(
            with.Zip(without, (a, b) => a.Zip(b, (x, y) => x - y).ToArray()),
            Is.All.EqualTo(Values(bias)).Within(1e-5), "to every row");
    }

    [Test]
    public void ERNIEs_router_alone_has_no_bias()
    {
        string[] tensors = Tensors(Describe("later-ernie4-5-moe", """{"use_bias":true}"""));
        Assert.That(tensors, Does.Contain("model.layers.1.mlp.experts.5.down_proj.bias [48]"));
        Assert.That(tensors, Does.Contain("model.layers.0.mlp.gate_proj.bias [76]"));
        Assert.That(tensors, Does.Contain("model.layers.2.mlp.shared_experts.up_proj.bias [36]"));
        Assert.That(tensors, Does.Contain("model.layers.2.self_attn.o_proj.bias [48]"));
        Assert.That(tensors.Where(tensor => tensor.Contains("mlp.gate.bias", StringComparison.Ordinal)), Is.Empty);
        Assert.That(tensors.Where(tensor => tensor.StartsWith("lm_head.weight", StringComparison.Ordinal)), Is.Empty, "tied");
    }

    /// <summary>Where keys are values too, the bias of the one projection is in both.</summary>
    [Test]
    public void Gemma_4_has_biases_on_the_attention_of_every_kind_of_layer([Values] bool onCpu)
    {
        DecoderDescription once = Describe("later-gemma4-moe", """{"attention_bias":true,"attention_k_eq_v":true}""");
        DecoderDescription twice = once with
        {
            Layers = [.. once.Layers.Select(layer => new LayerDescription([.. layer.Branches.Select(branch =>
                branch.Block is AttentionBlock attention ? branch with { Block = attention with { KeysAreValues = false } } : branch)]))],
        };
        Assert.That(Tensors(twice), Has.Length.GreaterThan(Tensors(once).Length));
        float[][] expected = Logits(twice, ValuesOfKeys, onCpu);
        Assert.That(Logits(once, ValuesOfKeys, onCpu), Is.EqualTo(expected));
        Assert.That(Distance(Logits(once, Without(ValuesOfKeys, "k_proj.bias"), onCpu), expected), Is.GreaterThan(5 * Tolerance));

        float[] ValuesOfKeys(ExpectedTensor tensor) => once.Layers.Any(layer => layer.Attention.KeysAreValues
                && tensor.Name.StartsWith(once.Prefix(once.Layers.IndexOf(layer)) + "self_attn.v_proj", StringComparison.Ordinal))
            ? Values(tensor with { Name = tensor.Name.Replace("v_proj", "k_proj", StringComparison.Ordinal) })
            : Values(tensor);
    }

    [Test]
    public void Layers_of_Gemma_4_that_share_keys_have_biases_on_what_they_have()
    {
        string[] tensors = Tensors(Described(
            Path.Combine(RepositoryFolder.Fixtures, "later-gemma4", "model", "config.json"), """{"attention_bias":true}"""));
        Assert.That(
            tensors.Where(tensor => tensor.StartsWith("model.layers.5.self_attn", StringComparison.Ordinal)
                && tensor.Contains("bias", StringComparison.Ordinal)),
            Is.EqualTo((string[])["model.layers.5.self_attn.q_proj.bias [80]", "model.layers.5.self_attn.o_proj.bias [40]"]));
        Assert.That(tensors, Does.Contain("model.layers.0.self_attn.v_proj.bias [12]"));
    }

    [Test]
    public void Nemotron_3_has_biases_around_its_states_and_beside_its_experts_but_not_in_them()
    {
        string[] tensors = Tensors(Describe("later-nemotron-h", """{"use_bias":true,"mlp_bias":true,"moe_latent_size":6}"""));
        Assert.That(tensors, Does.Contain("backbone.layers.0.mixer.in_proj.bias [132]"));
        Assert.That(tensors, Does.Contain("backbone.layers.0.mixer.out_proj.bias [40]"));
        Assert.That(
            tensors.Where(tensor => tensor.StartsWith("backbone.layers.1.", StringComparison.Ordinal)
                && tensor.Contains(".bias", StringComparison.Ordinal)),
            Is.EquivalentTo((string[])
            [
                "backbone.layers.1.mixer.fc1_latent_proj.bias [6]", "backbone.layers.1.mixer.fc2_latent_proj.bias [40]",
                "backbone.layers.1.mixer.shared_experts.up_proj.bias [34]", "backbone.layers.1.mixer.shared_experts.down_proj.bias [40]",
            ]));
    }

    private static string[] Tensors(DecoderDescription decoder) =>
        [.. DecoderModules.Of(decoder).Tensors.Select(tensor => $"{tensor.Name} [{string.Join(", ", tensor.Shape)}]")];

    private static DecoderDescription Describe(string name, params ReadOnlySpan<string> settings) =>
        Described(Path.Combine(RepositoryFolder.Fixtures, "configs", name, "config.json"), settings);

    private static DecoderDescription Described(string path, params ReadOnlySpan<string> settings)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        foreach (string some in settings)
        {
            foreach ((string key, JsonNode? value) in JsonNode.Parse(some)!.AsObject().ToArray())
            {
                config[key] = value?.DeepClone();
            }
        }

        return DecoderFamilies.Describe(ConfigDocument.Parse(System.Text.Encoding.UTF8.GetBytes(config.ToJsonString()), "test.json"));
    }

    /// <summary>The values of a tensor, which follow from its name.</summary>
    private static float[] Values(ExpectedTensor tensor)
    {
        var random = new Random(tensor.Name.Aggregate(17, (sum, letter) => unchecked((sum * 31) + letter)));
        return [.. Enumerable.Range(0, (int)tensor.ElementCount).Select(_ => (random.NextSingle() - 0.5f) * 0.6f)];
    }

    /// <summary>The same with zeros for the tensors whose names end so.</summary>
    private static Func<ExpectedTensor, float[]> Without(Func<ExpectedTensor, float[]> values, string name) =>
        tensor => tensor.Name.EndsWith(name, StringComparison.Ordinal) ? new float[tensor.ElementCount] : values(tensor);

    private static double Distance(float[][] left, float[][] right) =>
        left.Zip(right).Max(rows => rows.First.Zip(rows.Second).Max(pair => Math.Abs((double)pair.First - pair.Second)));

    /// <summary>The logits of every token of a prompt.</summary>
    private static float[][] Logits(DecoderDescription description, Func<ExpectedTensor, float[]> values, bool onCpu)
    {
        int[] prompt = [3, 70, 12, 9, 41, 41];
        DecoderModules modules = DecoderModules.Of(description);
        using var weights = new NamedWeights(modules, values);
        using IBackend backend = onCpu
            ? new CpuBackend(prompt.Length, prompt.Length, threads: 2)
            : new ReferenceBackend(prompt.Length, prompt.Length);
        KvLayout layout = backend.LayOut(description.Kept, TensorType.F32, pageTokens: 8);
        int[] states = [.. Enumerable.Range(layout.Groups.Length, layout.StatePages)];
        backend.AllocatePages(layout, layout.Groups.Length + states.Length);
        var decoder = new Decoder(description, DecoderLoader.Load(description, modules, weights.Source, backend, static _ => { }), backend);
        backend.CompleteLoading(description.Shape);
        var plan = new StepPlan(prompt.Length, prompt.Length);
        plan.AddSlice(prompt, 0, [0], prompt.Length, states);
        for (int group = 1; group < layout.Groups.Length; group++)
        {
            plan.AddTable([group], firstPage: 0);
        }

        decoder.Run(plan);
        return [.. Enumerable.Range(0, prompt.Length).Select(row => decoder.Logits(row).ToArray())];
    }
}
