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
    public void Experts_in_one_tensor_are_an_adapter_of_each([Values] bool early, [Values("mlp", "block_sparse_moe")] string around)
    {
        const int Experts = 3, Rank = 2, Inputs = 5, Outputs = 7;
        bool numbered = around != "mlp";
        string start = $"model.layers.0.{around}.";
        string expert = numbered ? "w3" : "up_proj";
        ImmutableArray<TargetModule> targets =
        [
            .. Enumerable.Range(0, Experts).Select(e => new TargetModule
            {
                Index = e,
                Name = $"{start}experts.{e}.{expert}",
                Kind = TargetKind.Expert,
                Layer = 0,
                InFeatures = Inputs,
                OutFeatures = Outputs,
            }),
        ];
        var random = new Random(4);
        var mlx = new MlxFolder();
        float[] a = Values(Experts * Rank * Inputs), b = Values(Experts * Outputs * Rank);
        mlx.Parameters["rank"] = Rank;
        mlx.Parameters["keys"] = new JsonArray(around + ".switch_mlp.up_proj");
        mlx.Tensors.Add((start + "switch_mlp.up_proj.lora_a", "F32", early ? [Experts * Rank, Inputs] : [Experts, Rank, Inputs], Bytes(a)));
        mlx.Tensors.Add((start + "switch_mlp.up_proj.lora_b", "F32", [Experts, Outputs, Rank], Bytes(b)));
        mlx.Write(_folder.Path);
        var peft = new TestAdapter();
        peft.Config["r"] = Rank;
        peft.Config["lora_alpha"] = 2 * Rank;
        peft.Config["target_modules"] = new JsonArray(expert);
        for (int e = 0; e < Experts; e++)
        {
            string name = $"base_model.model.{start}experts.{e}.{expert}";
            peft.Tensors.Add((name + ".lora_A.weight", "F32", [Rank, Inputs], Bytes(a[(e * Rank * Inputs)..((e + 1) * Rank * Inputs)])));
            peft.Tensors.Add((name + ".lora_B.weight", "F32", [Outputs, Rank], Bytes(b[(e * Outputs * Rank)..((e + 1) * Outputs * Rank)])));
        }

        Assert.That(Id(Mlx(layers: 1), targets), Is.EqualTo(Id(peft.InMemory(), targets)));

        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
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
    public void A_head_is_served_where_keys_name_it_and_an_embedding_refused()
    {
        MlxFolder mlx = Qv();
        mlx.Parameters["keys"] = new JsonArray("self_attn.q_proj", "self_attn.v_proj", "lm_head", "model.embed_tokens");
        mlx.Tensors.Add(("lm_head.lora_a", "F32", [64, 8], Bytes(new float[512])));
        TargetModule head = Targets[^1];
        mlx.Tensors.Add(("lm_head.lora_b", "F32", [8, head.OutFeatures], Bytes(new float[8 * head.OutFeatures])));
        mlx.Write(_folder.Path);
        Assert.That(Read().Modules[^1].Target.Name, Is.EqualTo("lm_head"));

        mlx.Tensors.Add(("model.embed_tokens.lora_a", "F32", [head.OutFeatures, 8], Bytes(new float[8 * head.OutFeatures])));
        AssertRefused(mlx, "embed_tokens", "tied");
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
            mlx.Tensors.Add(($"model.layers.0.mlp.switch_mlp.a{at}.lora_a", "F32", [4096, 8, 0], []));
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

    private AdapterPackage Mlx(int layers = Layers) =>
        new AdapterFolder("tenant", _folder.Path).ForBase(new AdapterBase(default, new MlxBase("LlamaForCausalLM", layers)));

    private AdapterDescription Read() => AdapterDescription.Read(Mlx(), Targets);

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
