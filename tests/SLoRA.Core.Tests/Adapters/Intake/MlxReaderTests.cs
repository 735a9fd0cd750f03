using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Core.Tests.Engine;
using SLoRA.Formats.Mlx;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters.Intake;

/// <summary>Folders as mlx-lm writes them are the same adapters as those of PEFT that they were made of, or refused by name.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.All)]
internal sealed class MlxReaderTests : IDisposable
{
    private const string Llama = "core-llama-gqa";
    private const int Layers = 3;
    private const int Experts = 3;
    private const int Rank = 2;
    private const int Inputs = 5;
    private const int Outputs = 7;
    private static readonly ImmutableArray<TargetModule> Targets = FixtureModel.Targets(Llama);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestCase("qv")]
    [TestCase("bf16")]
    [TestCase("fp16")]
    [TestCase("wide")]
    [TestCase("later-dora")]
    public void It_is_the_same_generation_as_in_PEFTs_form(string adapter)
    {
        string peft = FixtureModel.AdapterPath(Llama, adapter);
        MlxFolder.Of(peft).Write(_folder.Path);

        Assert.That(Id(Mlx()), Is.EqualTo(Id(new AdapterFolder("tenant", peft))));
    }

    [Test]
    public void It_answers_as_in_PEFTs_form([Values("qv", "later-dora")] string adapter, [Values] bool gated)
    {
        string peft = FixtureModel.AdapterPath(Llama, adapter);
        MlxFolder.Of(peft).Write(_folder.Path);
        using var engine = new SteppedEngine(builder =>
        {
            builder.AddAdapter("peft", peft);
            if (!gated)
            {
                builder.AddAdapter("mlx", _folder.Path);
            }
        });
        if (gated)
        {
            engine.Run(engine.Adapters.RegisterAsync("mlx", _folder.Path, AdapterValidation.Content));
        }

        var logits = new[] { new LogitsRecord(wholePrompt: true), new LogitsRecord(wholePrompt: true) };
        Answer[] answers = [.. ((string[])["peft", "mlx"]).Select((name, at) => engine.Ask(new GenerationRequest
        {
            Prompt = (int[])[5, 6, 7, 8, 9],
            Adapter = name,
            MaxTokens = 12,
            IgnoreEndOfText = true,
            Tap = logits[at],
        }))];
        engine.Finish(answers);

        Assert.That(answers[1].Tokens, Is.EqualTo(answers[0].Tokens));
        Assert.That(logits[1].Rows, Is.EqualTo(logits[0].Rows));
    }

    [Test]
    public void Experts_in_one_tensor_are_an_adapter_of_each(
        [Values] bool early, [Values("mlp.switch_mlp.up_proj", "mlp.experts.up_proj", "mlp.switch_mlp.fc1")] string module,
        [Values("up_proj", "w3")] string name)
    {
        var experts = new MlxExperts("mlp.experts", "w1", name, "w2");
        ExpertsIn(_folder.Path, early, (module, 4));
        TestAdapter peft = ExpertsOf(name, OfEach(4));
        Assert.That(Id(Mlx(1, experts), ExpertTargets(name)), Is.EqualTo(Id(peft.InMemory(), ExpertTargets(name))));
    }

    [Test]
    public void Gates_and_ups_whose_rows_alternate_in_the_model_are_one_adapter_of_twice_the_rank([Values(0, 1, 2)] int missing)
    {
        const string Both = "gate_up_proj";
        var experts = new MlxExperts("mlp.experts", Both, Both, "down_proj");
        (float[] A, float[] B)[] gates = OfEach(5), ups = OfEach(6);
        (string, int)[] modules = [("mlp.experts.gate_proj", 5), ("mlp.experts.up_proj", 6)];
        ExpertsIn(_folder.Path, early: false, [.. modules.Where((_, at) => at + 1 != missing)]);
        TestAdapter peft = ExpertsOf(Both, [.. Enumerable.Range(0, Experts).Select(e =>
            Together(missing == 1 ? null : gates[e], missing == 2 ? null : ups[e]))]);
        ImmutableArray<TargetModule> targets = ExpertTargets(Both, 2 * Outputs);
        Assert.That(Id(Mlx(1, experts), targets), Is.EqualTo(Id(peft.InMemory(), targets)));

        // Row 2 i of B is the gate's, which acts on the first ranks, row 2 i + 1 the up's, on those behind.
        static (float[] A, float[] B) Together((float[] A, float[] B)? gate, (float[] A, float[] B)? up)
        {
            float[] a = new float[2 * Rank * Inputs], b = new float[2 * Outputs * 2 * Rank];
            gate?.A.CopyTo(a, 0);
            up?.A.CopyTo(a, Rank * Inputs);
            for (int i = 0; i < Outputs; i++)
            {
                for (int k = 0; k < Rank; k++)
                {
                    b[(2 * i * 2 * Rank) + k] = gate?.B[(i * Rank) + k] ?? 0;
                    b[(((2 * i) + 1) * 2 * Rank) + Rank + k] = up?.B[(i * Rank) + k] ?? 0;
                }
            }

            return (a, b);
        }
    }

    [Test]
    public void Gates_and_ups_that_do_not_belong_together_are_named()
    {
        MlxFolder mlx = ExpertsIn(_folder.Path, early: false, ("mlp.experts.gate_proj", 5), ("mlp.experts.up_proj", 6));
        (string Name, string Dtype, long[] Shape, byte[] Data)[] all = [.. mlx.Tensors];
        mlx.Parameters.Remove("keys");

        mlx.Tensors.RemoveAt(3);
        Refused("up_proj.lora_a[0]", "no lora_b");
        Put(3, all[3] with { Name = all[3].Name.Replace("up_proj", "fc1", StringComparison.Ordinal) }, all[3]);
        Refused("are both for", "fc1.lora_b");
        Put(3, all[3] with { Dtype = "BF16", Data = all[3].Data[..(all[3].Data.Length / 2)] });
        Refused("types or shapes", "up_proj.lora_b[0]");
        int each = all[0].Data.Length / Experts;
        Put(2, all[2] with { Shape = [Experts - 1, Rank, Inputs], Data = all[2].Data[each..] }, all[3]);
        Refused("numbers of experts");

        void Put(int at, params (string Name, string Dtype, long[] Shape, byte[] Data)[] tensors)
        {
            mlx.Tensors.Clear();
            mlx.Tensors.AddRange([.. all[..at], .. tensors]);
        }

        void Refused(params string[] mentions)
        {
            mlx.Write(_folder.Path);
            var error = Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(
                Mlx(1, new MlxExperts("mlp.experts", "gate_up_proj", "gate_up_proj", "down_proj")),
                ExpertTargets("gate_up_proj", 2 * Outputs)))!;
            Assert.That(mentions.Where(mention => !error.Message.Contains(mention, StringComparison.Ordinal)), Is.Empty, error.Message);
        }
    }

    [Test]
    public void The_scale_is_taken_as_it_is()
    {
        MlxFolder mlx = Qv();
        mlx.Parameters["scale"] = 0.1;
        mlx.Write(_folder.Path);
        Assert.That(Read().Modules.Select(module => module.Scale), Is.All.EqualTo(0.1f));
    }

    [Test]
    public void Wrappers_of_models_for_images_say_nothing()
    {
        MlxFolder mlx = Qv();
        for (int at = 0; at < mlx.Tensors.Count; at++)
        {
            mlx.Tensors[at] = mlx.Tensors[at] with { Name = "language_model." + mlx.Tensors[at].Name };
        }

        mlx.Write(_folder.Path);
        Assert.That(Id(Mlx()), Is.EqualTo(Id(new AdapterFolder("tenant", FixtureModel.AdapterPath(Llama, "qv")))));
    }

    [Test]
    public void Keys_must_have_their_tensors_in_the_last_layers_and_nothing_else_may()
    {
        MlxFolder mlx = Qv();
        mlx.Parameters["keys"] = new JsonArray("self_attn.q_proj", "self_attn.v_proj", "self_attn.of_another_model");
        mlx.Write(_folder.Path);
        Assert.That(Read().Modules, Has.Length.EqualTo(2 * Layers));

        mlx.Parameters["keys"] = new JsonArray("self_attn.q_proj", "self_attn.v_proj", "self_attn.o_proj");
        AssertRefused(mlx, "self_attn.o_proj", "is missing");
        mlx.Parameters["keys"] = new JsonArray("self_attn.q_proj");
        AssertRefused(mlx, "v_proj", "keys");
        mlx.Parameters["keys"] = new JsonArray("q_proj", "v_proj");
        AssertRefused(mlx, "q_proj", "keys");
        mlx.Parameters["keys"] = new JsonArray("self_attn.q_proj", "self_attn.v_proj");
        mlx.Config["num_layers"] = 1;
        AssertRefused(mlx, "layer 0", "the last 1");
        mlx.Tensors.RemoveAll(tensor => !tensor.Name.Contains("layers.2.", StringComparison.Ordinal));
        mlx.Write(_folder.Path);
        Assert.That(Read().Modules, Has.Length.EqualTo(2));
        mlx.Config["num_layers"] = 2;
        AssertRefused(mlx, "layers.1.self_attn.q_proj", "is missing");
        mlx.Config["num_layers"] = 4;
        AssertRefused(mlx, "num_layers", "the model has 3");
    }

    [Test]
    public void A_head_and_an_embedding_are_served_where_keys_name_them()
    {
        MlxFolder mlx = Qv();
        TargetModule head = Targets[^1];
        mlx.Tensors.Add(("lm_head.lora_a", "F32", [64, 8], Bytes(new float[512])));
        mlx.Tensors.Add(("lm_head.lora_b", "F32", [8, head.OutFeatures], Bytes(new float[8 * head.OutFeatures])));
        mlx.Parameters["keys"] = new JsonArray("self_attn.q_proj", "self_attn.v_proj", "lm_head", "model.embed_tokens");
        AssertRefused(mlx, "model.embed_tokens.lora_a", "is missing");
        mlx.Tensors.Add(("model.embed_tokens.lora_a", "F32", [head.OutFeatures, 8], Bytes(new float[8 * head.OutFeatures])));
        AssertRefused(mlx, "model.embed_tokens.lora_b", "is missing");
        mlx.Tensors.Add(("model.embed_tokens.lora_b", "F32", [8, 64], Bytes(new float[512])));
        mlx.Write(_folder.Path);
        Assert.That(Read().Modules[^1].Target.Name, Is.EqualTo("lm_head"));
        Assert.That(Read().Modules[0].Target.Name, Is.EqualTo("model.embed_tokens"));

        mlx.Tensors.RemoveAll(tensor => tensor.Name.StartsWith("lm_head", StringComparison.Ordinal));
        AssertRefused(mlx, "lm_head.lora_a", "is missing");
    }

    [Test]
    public void An_embedding_is_that_of_PEFT()
    {
        string peft = FixtureModel.AdapterPath(Llama, "embed-only");
        MlxFolder mlx = MlxFolder.Of(peft);
        mlx.Parameters["keys"] = new JsonArray("model.embed_tokens");
        mlx.Write(_folder.Path);
        Assert.That(Id(Mlx()), Is.EqualTo(Id(new AdapterFolder("tenant", peft))));
    }

    /// <summary>PEFT stores the pair of the head besides where it keeps both tied; MLX has the one pair and uses it twice.</summary>
    [Test]
    public void An_embedding_that_is_the_head_acts_as_both()
    {
        const string Tied = "core-llama-tied-llama3";
        string peft = FixtureModel.AdapterPath(Tied, "later-tie-ensured");
        MlxFolder mlx = MlxFolder.Of(peft);
        Assert.That(mlx.Tensors.RemoveAll(tensor => tensor.Name.StartsWith("lm_head.", StringComparison.Ordinal)), Is.EqualTo(2));
        mlx.Parameters["keys"] = new JsonArray("self_attn.q_proj", "model.embed_tokens");
        mlx.Write(_folder.Path);
        ImmutableArray<TargetModule> targets = FixtureModel.Targets(Tied);
        AdapterPackage package =
            new AdapterFolder("tenant", _folder.Path).ForBase(new AdapterBase(default, Base(Layers) with { IsTied = true }));
        Assert.That(Id(package, targets), Is.EqualTo(Id(new AdapterFolder("tenant", peft), targets)));
    }

    [Test]
    public void DoRA_of_an_embedding_is_refused_by_name()
    {
        MlxFolder mlx = Qv();
        mlx.Config["fine_tune_type"] = "dora";
        mlx.Parameters["keys"] = new JsonArray("self_attn.q_proj", "self_attn.v_proj", "model.embed_tokens");
        mlx.Tensors.Add(("model.embed_tokens.m", "F32", [Targets[0].InFeatures], Bytes(new float[Targets[0].InFeatures])));
        AssertRefused(mlx, "model.embed_tokens.m", "DoRA", "each column");
    }

    [Test]
    public void What_is_wrong_is_named()
    {
        Refused("fine_tune_type", "full", "whole weights");
        Refused("fine_tune_type", "soft", "'soft'");
        Refused("fine_tune_type", 3, "fine_tune_type");
        Refused("use_dora", true, "use_dora");
        Refused("num_layers", null, "num_layers");
        Refused("num_layers", 1e9, "num_layers");
        Refused("num_layers", "all", "num_layers");
        Refused("lora_parameters", null, "lora_parameters");
        Refused("lora_parameters", 5, "lora_parameters");
        foreach ((string key, JsonNode? value, string mention) in ((string, JsonNode?, string)[])
            [
                ("rank", null, "rank"), ("rank", 0, "rank"), ("rank", 7, "[in, 7]"), ("rank", 1 << 30, "rank"), ("scale", null, "scale"),
                ("scale", 0, "change nothing"), ("scale", 1e300, "scale"), ("scale", "2", "scale"), ("dropout", 2, "dropout"),
                ("keys", new JsonArray(), "keys"), ("keys", "q_proj", "keys"), ("keys", new JsonArray(1), "keys"),
                ("use_rslora", true, "not known"),
            ])
        {
            MlxFolder mlx = Qv();
            mlx.Parameters[key] = value;
            AssertRefused(mlx, mention);
        }

        void Refused(string key, JsonNode? value, string mention)
        {
            MlxFolder mlx = Qv();
            mlx.Config[key] = value;
            AssertRefused(mlx, mention);
        }
    }

    [Test]
    public void Alpha_means_nothing_but_in_versions_that_may_have_used_it()
    {
        MlxFolder mlx = Qv();
        mlx.Parameters["alpha"] = 16;
        mlx.Write(_folder.Path);
        Assert.That(Read().Modules[0].Scale, Is.EqualTo(2));

        mlx.Config.Remove("num_layers");
        mlx.Config["lora_layers"] = Layers;
        AssertRefused(mlx, "alpha", "some of the versions");
        mlx.Parameters["alpha"] = 8;
        mlx.Write(_folder.Path);
        Assert.That(Read().Modules[0].Scale, Is.EqualTo(2), "a factor of one");
        mlx.Parameters.Remove("alpha");
        mlx.Write(_folder.Path);
        Assert.That(Read().Modules[0].Scale, Is.EqualTo(2));
    }

    [TestCase("model.layers.0.self_attn.q_proj.weight", new long[] { 2 }, "none of the tensors")]
    [TestCase(".lora_a", new long[] { 2 }, "none of the tensors")]
    [TestCase("model.layers.0.self_attn.k_proj.lora_a", new long[] { 64, 8 }, "lora_b")]
    [TestCase("model.layers.0.self_attn.k_proj.lora_a", new long[] { 8, 64 }, "rank 8")]
    [TestCase("model.layers.0.self_attn.k_proj.lora_b", new long[] { 1, 8, 64 }, "[8, out]")]
    [TestCase("model.layers.0.self_attn.k_proj.m", new long[] { 32 }, "DoRA")]
    [TestCase("model.layers.0.mlp.gone_proj.lora_a", new long[] { 64, 8 }, "no module")]
    [TestCase("model.layers.99999999999.mlp.up_proj.lora_a", new long[] { 64, 8 }, "keys")]
    [TestCase("model.layers.7.mlp.up_proj.lora_a", new long[] { 64, 8 }, "no module")]
    [TestCase("lm_head.lora_a", new long[] { 64, 8 }, "keys")]
    [TestCase("model.layers.0.mlp.switch_mlp.up_proj.lora_a", new long[] { 100000, 8, 0 }, "100000 experts")]
    [TestCase("model.layers.0.mlp.switch_mlp.up_proj.lora_a", new long[] { 0, 8, 4 }, "0 experts")]
    [TestCase("model.layers.0.mlp.switch_mlp.up_proj.lora_a", new long[] { 9, 4 }, "[experts, 8, in]")]
    [TestCase("model.layers.0.mlp.switch_mlp.up_proj.lora_b", new long[] { 8, 4, 4 }, "[experts, out, 8]")]
    [TestCase("model.layers.0.mlp.switch_mlp.up_proj.lora_a", new long[] { 2, 8, 4 }, "no module")]
    [TestCase("model.layers.0.mlp.switch_mlp.fc3.lora_a", new long[] { 2, 8, 4 }, "of experts")]
    [TestCase("model.layers.0.moe.switch_glu.up_proj.lora_a", new long[] { 2, 8, 4 }, "of experts")]
    [TestCase("model.layers.0.mlp.switch_mlp.up_proj.m", new long[] { 2 }, "DoRA")]
    public void A_tensor_too_many_is_named(string name, long[] shape, string mention)
    {
        MlxFolder mlx = Qv();
        mlx.Tensors.Add((name, "F32", shape, new byte[shape.Aggregate(4L, (size, dimension) => size * dimension)]));
        AssertRefused(mlx, mention);
    }

    [Test]
    public void Matrices_of_experts_beyond_a_bound_are_not_made()
    {
        MlxFolder mlx = Qv();
        for (int at = 0; at < 40; at++)
        {
            mlx.Tensors.Add(($"a{at}.layers.0.mlp.switch_mlp.up_proj.lora_a", "F32", [4096, 8, 0], []));
        }

        AssertRefused(mlx, "more than 131072");
        mlx = Qv();
        mlx.Parameters["keys"] = new JsonArray([.. Enumerable.Range(0, 16384).Select(at => JsonValue.Create("mlp.switch_mlp.a" + at))]);
        AssertRefused(mlx, "keys");
    }

    [Test]
    public void Values_that_are_none_are_found_where_they_lie()
    {
        MlxFolder mlx = Qv();
        MemoryMarshal.Cast<byte, float>(mlx.Tensors[2].Data.AsSpan())[3] = float.NaN;
        mlx.Write(_folder.Path);
        AdapterDescription description = Read();
        var error = Assert.Throws<AdapterLoadException>(() => AdapterContent.Load(description, _ => default))!;
        Assert.That(error.Message, Does.Contain("NaN").And.Contain(mlx.Tensors[2].Name));
    }

    [Test]
    public void Files_of_two_programs_in_one_folder_are_refused()
    {
        MlxFolder mlx = Qv();
        mlx.Write(_folder.Path);
        File.Copy(FixtureModel.AdapterPath(Llama, "qv/adapter_model.safetensors"), Path.Combine(_folder.Path, "adapter_model.safetensors"));
        Assert.That(Refusal().Message, Does.Contain("MLX").And.Contain("only"));
        File.Delete(Path.Combine(_folder.Path, "adapter_model.safetensors"));
        File.Copy(FixtureModel.AdapterPath(Llama, "qv/adapter_config.json"), Path.Combine(_folder.Path, "adapter_config.json"), true);
        Assert.That(Refusal().Message, Does.Contain("lora_parameters"));
        File.Delete(Path.Combine(_folder.Path, "adapter_config.json"));
        Assert.That(Refusal().Message, Does.Contain("MLX").And.Contain("adapter_config.json"));
    }

    [Test]
    public void Files_that_change_or_are_cut_short_are_refused()
    {
        Qv().Write(_folder.Path);
        AdapterDescription description = Read();
        string file = Path.Combine(_folder.Path, "adapters.safetensors");
        byte[] bytes = File.ReadAllBytes(file);
        File.WriteAllBytes(file, bytes[..^4]);
        Assert.That(Refusal().Kind, Is.EqualTo(LoadErrorKind.File));
        MlxFolder other = Qv();
        other.Parameters["scale"] = 3;
        other.Write(_folder.Path);
        var error = Assert.Throws<AdapterLoadException>(() => AdapterContent.Load(description, _ => default))!;
        Assert.That(error.Message, Does.Contain("changed"));
    }

    [Test]
    public void Models_whose_weights_MLX_changes_take_none()
    {
        Qv().Write(_folder.Path);
        AdapterPackage package = new AdapterFolder("tenant", _folder.Path)
            .ForBase(new AdapterBase(default, new MlxBase("FalconH1ForCausalLM", Layers)));
        var error = Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(package, Targets))!;
        Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.Incompatible));
        Assert.That(error.Message, Does.Contain("FalconH1ForCausalLM"));
        Assert.That(Assert.Throws<AdapterLoadException>(() => AdapterTensors.FromFolder(_folder.Path))!.Message, Does.Contain("MLX"));
    }

    private static MlxFolder Qv() => MlxFolder.Of(FixtureModel.AdapterPath(Llama, "qv"));

    private AdapterPackage Mlx(int layers = Layers, MlxExperts? experts = null) =>
        new AdapterFolder("tenant", _folder.Path).ForBase(new AdapterBase(default, Base(layers) with { Experts = experts }));

    private static MlxBase Base(int layers) =>
        new("LlamaForCausalLM", layers) { Embedding = "model.embed_tokens", Head = "lm_head" };

    /// <summary>Writes adapters of all experts of layer 0, of the values that <see cref="OfEach"/> draws from the seeds.</summary>
    private static MlxFolder ExpertsIn(string folder, bool early, params (string Module, int Seed)[] modules)
    {
        var mlx = new MlxFolder();
        mlx.Parameters["rank"] = Rank;
        mlx.Parameters["keys"] = new JsonArray([.. modules.Select(module => JsonValue.Create(module.Module))]);
        foreach ((string module, int seed) in modules)
        {
            (float[] A, float[] B)[] each = OfEach(seed);
            string name = "model.layers.0." + module;
            mlx.Tensors.Add((name + ".lora_a", "F32", early ? [Experts * Rank, Inputs] : [Experts, Rank, Inputs],
                Bytes([.. each.SelectMany(expert => expert.A)])));
            mlx.Tensors.Add((name + ".lora_b", "F32", [Experts, Outputs, Rank], Bytes([.. each.SelectMany(expert => expert.B)])));
        }

        mlx.Write(folder);
        return mlx;
    }

    /// <summary>The same in PEFT's form, with whatever rank B has.</summary>
    private static TestAdapter ExpertsOf(string name, (float[] A, float[] B)[] each)
    {
        var peft = new TestAdapter();
        int rank = each[0].A.Length / Inputs;
        peft.Config["r"] = rank;
        peft.Config["lora_alpha"] = 2 * rank;
        peft.Config["target_modules"] = new JsonArray(name);
        for (int e = 0; e < Experts; e++)
        {
            string module = $"base_model.model.model.layers.0.mlp.experts.{e}.{name}";
            peft.Tensors.Add((module + ".lora_A.weight", "F32", [rank, Inputs], Bytes(each[e].A)));
            peft.Tensors.Add((module + ".lora_B.weight", "F32", [each[e].B.Length / rank, rank], Bytes(each[e].B)));
        }

        return peft;
    }

    private static ImmutableArray<TargetModule> ExpertTargets(string name, int outputs = Outputs) =>
    [
        .. Enumerable.Range(0, Experts).Select(e => new TargetModule
        {
            Index = e,
            Name = $"model.layers.0.mlp.experts.{e}.{name}",
            Kind = TargetKind.Expert,
            Layer = 0,
            InFeatures = Inputs,
            OutFeatures = outputs,
        }),
    ];

    private static (float[] A, float[] B)[] OfEach(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Experts).Select(_ => (Values(Rank * Inputs), Values(Outputs * Rank)))];

        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }

    private AdapterDescription Read() => AdapterDescription.Read(
        Mlx(experts: new MlxExperts("mlp.experts", "gate_proj", "up_proj", "down_proj")), Targets);

    private AdapterLoadException Refusal() => Assert.Throws<AdapterLoadException>(() => Read())!;

    private void AssertRefused(MlxFolder mlx, params string[] mentions)
    {
        mlx.Write(_folder.Path);
        string message = Refusal().Message;
        foreach (string mention in mentions)
        {
            Assert.That(message, Does.Contain(mention));
        }
    }

    private static GenerationId Id(AdapterPackage package, ImmutableArray<TargetModule>? targets = null)
    {
        BaseFile weights = BaseFile.Of(Llama);
        using AdapterContent content = AdapterContent.Load(AdapterDescription.Read(package, targets ?? Targets), weights.Weight);
        return content.Id;
    }

    private static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes<float>(values).ToArray();
}
