using System.Collections.Immutable;
using System.Text.Json;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters.Intake;

internal sealed class AdapterDescriptionTests
{
    public static IEnumerable<TestCaseData> Core => Cases(later: false);

    public static IEnumerable<TestCaseData> Later => Cases(later: true);

    [TestCaseSource(nameof(Core))]
    public void An_adapter_registers_with_the_modules_ranks_and_scales_of_PEFT(string model, string adapter)
    {
        string folder = FixtureModel.AdapterPath(model, adapter);
        AdapterDescription description = AdapterDescription.Read(new AdapterFolder(adapter, folder), FixtureModel.Targets(model));
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(FixtureModel.Root, "peft-matching.json")));
        JsonElement expected = document.RootElement.GetProperty("adapters").EnumerateArray()
            .Single(item => item.GetProperty("model").GetString() == model && item.GetProperty("adapter").GetString() == adapter)
                .GetProperty("modules");
        Assert.That(
            description.Modules.Select(module => $"{module.Target.Name}:{module.Rank}:{BitConverter.SingleToUInt32Bits(module.Scale)}"),
            Is.EqualTo(expected.EnumerateObject().Select(module => $"{module.Name}:{module.Value[0]}:{module.Value[1]}")));
        Assert.That(description.Modules.Select(module => $"{module.Target.Name}:{module.Rank}:{module.Scale}"),
            Is.EqualTo(description.Coverage.Modules.Select(module => $"{module.Module}:{module.Rank}:{module.Scale}")));
        Assert.That(description.Coverage.Bytes, Is.EqualTo(new FileInfo(Path.Combine(folder, "adapter_model.safetensors")).Length));
    }

    private static readonly Dictionary<string, string> Kinds = new()
    {
        ["core-llama-gqa/later-alora"] = "activated by 3 tokens",
        ["core-llama-gqa/later-dora"] = "DoRA",
        ["core-llama-gqa/later-dora-rslora"] = "DoRA",
        ["core-llama-gqa/later-lora-bias"] = "biases of B",
        ["core-llama-gqa/later-save-embed"] = "own weights of 'model.embed_tokens'",
        ["core-llama-gqa/later-save-head"] = "own weights of 'lm_head'",
        ["core-llama-gqa/later-tokens"] = "own tokens of 'model.embed_tokens'",
        ["core-llama-bias/later-bias-all"] = "own biases of 14 modules",
        ["core-llama-bias/later-bias-lora-only"] = "own biases of 6 modules",
        ["core-llama-bias/later-lora-bias"] = "biases of B",
        ["core-llama-tied-llama3/later-save-embed-tied"] = "own weights of 'model.embed_tokens'",
        ["core-llama-tied-llama3/later-tie-ensured"] = "",
        ["core-llama-tied-llama3/later-tokens-tied"] = "own tokens of 2 modules",
        ["core-qwen2/later-bias-all"] = "own biases of 9 modules",
        ["core-qwen2/later-bias-lora-only"] = "own biases of 6 modules",
    };

    [TestCaseSource(nameof(Later))]
    public void An_adapter_beyond_plain_LoRA_registers_and_says_what_it_is(string model, string adapter)
    {
        string folder = FixtureModel.AdapterPath(model, adapter);
        AdapterDescription description = AdapterDescription.Read(new AdapterFolder(adapter, folder), FixtureModel.Targets(model));
        Assert.That(string.Join(", ", description.Coverage.Kinds), Is.EqualTo(Kinds[$"{model}/{adapter}"]));
    }

    [Test]
    public void Every_fixture_is_tried() => Assert.That((Core.Count(), Later.Count()), Is.EqualTo((50, 15)));

    [Test]
    public void The_modules_that_these_tests_assume_are_those_of_the_models()
    {
        foreach (string model in FixtureModel.CoreModels)
        {
            using BaseModel opened = BaseModel.Open(Path.Combine(FixtureModel.Root, model, "model"));
            Assert.That(
                FixtureModel.Targets(model), Is.EqualTo(opened.Modules.Targets.Select(target => target with { Partition = null })), model);
        }
    }

    [Test]
    public void A_coverage_is_one_line_for_people()
    {
        AdapterDescription description = Fixture("patterns");
        Assert.That(description.Coverage.ToString(), Is.EqualTo("15 of 23 modules, ranks 2 to 9, 8,440 parameters, 37,520 bytes"));
        Assert.That(description.Coverage.Parameters,
            Is.EqualTo(description.Modules.Sum(module => (long)module.Rank * (module.Target.InFeatures + module.Target.OutFeatures))));
    }

    [Test]
    public void A_target_that_the_model_lacks_is_reported_and_harmless()
    {
        TestAdapter adapter = Small(out ImmutableArray<TargetModule> targets);
        adapter.Config["target_modules"]!.AsArray().Add("c_attn");
        AdapterCoverage coverage = Read(adapter, targets).Coverage;
        Assert.That(coverage.UnusedTargets, Is.EqualTo(new[] { "c_attn" }));
        Assert.That(coverage.ToString(), Does.EndWith("not in this model: 'c_attn'"));
    }

    [TestCase("base_model.model.", "")]
    [TestCase("base_model.model.model.", "base_model.model.model.model.")]
    [TestCase("base_model.model.model.", "base_model.model.")]
    [TestCase("base_model.model.", "module.base_model.model._orig_mod.")]
    [TestCase(".lora_A.weight", ".lora_A.default.weight")]
    public void Names_as_other_trainers_write_them_are_found(string usual, string other)
    {
        TestAdapter adapter = Small(out ImmutableArray<TargetModule> targets);
        for (int at = 0; at < adapter.Tensors.Count; at++)
        {
            adapter.Tensors[at] =
                adapter.Tensors[at] with { Name = adapter.Tensors[at].Name.Replace(usual, other, StringComparison.Ordinal) };
        }

        Assert.That(Read(adapter, targets).Modules, Has.Length.EqualTo(targets.Length));
    }

    [Test]
    public void Default_targets_that_the_tensors_contradict_are_refused()
    {
        TestAdapter adapter = Small(out ImmutableArray<TargetModule> targets);
        adapter.Config["rank_pattern"] = null;
        adapter.Config["r"] = 2;
        adapter.Config.Remove("target_modules");
        Assert.That(Read(adapter, targets).Modules, Has.Length.EqualTo(targets.Length), "q_proj and v_proj are the default");
        adapter.Tensors.RemoveAll(tensor => tensor.Name.Contains("v_proj", StringComparison.Ordinal));
        Assert.That(Refused(adapter, targets).Kind, Is.EqualTo(LoadErrorKind.Tensor));
    }

    [Test]
    public void A_layer_that_the_model_lacks_is_refused_where_PEFT_is_silent()
    {
        TestAdapter adapter = Small(out ImmutableArray<TargetModule> targets);
        adapter.Config["layers_to_transform"] = new System.Text.Json.Nodes.JsonArray(0, 1, 2);
        AdapterLoadException error = Refused(adapter, targets);
        Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Incompatible, "layers_to_transform")));
    }

    [TestCase("F64")]
    [TestCase("I8")]
    [TestCase("F8_E4M3")]
    public void Other_types_than_the_three_are_refused(string dtype)
    {
        using var folder = new TemporaryFolder();
        TestAdapter adapter = Small(out ImmutableArray<TargetModule> targets);
        (string name, _, long[] shape, byte[] data) = adapter.Tensors[2];
        adapter.Tensors[2] = (name, dtype, shape, new byte[dtype == "F64" ? data.Length * 2 : data.Length / 4]);
        adapter.Write(folder.Path);
        var error = Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(new AdapterFolder("tenant", folder.Path), targets))!;
        Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Tensor, name)));
    }

    [TestCase("model.embed_tokens.weight", TestName = "A_saved_embedding_that_is_not_targeted_is_compared_with_the_base")]
    public void A_base_weight_is_listed(string tensor)
    {
        ImmutableArray<TargetModule> targets = TestAdapter.Model(2, 8, 8, vocabulary: 5);
        TestAdapter adapter = TestAdapter.For(targets.Where(target => target.Kind == TargetKind.Linear), _ => 2, _ => TensorType.F32);
        adapter.Add("base_model.model." + tensor, TensorType.F32, [5, 8], new Random(1));
        Assert.That(Read(adapter, targets).BaseMatrices.Single().Target.Name, Is.EqualTo("model.embed_tokens"));
        adapter.Tensors[^1] = adapter.Tensors[^1] with { Shape = [4, 10] };
        Assert.That(Refused(adapter, targets).Kind, Is.EqualTo(LoadErrorKind.Incompatible));
    }

    [TestCase("model.layers.0.self_attn.q_proj.weight")]
    [TestCase("model.embed_tokens.base_layer.weight")]
    [TestCase("model.layers.0.self_attn.q_proj.lora_A.other.weight")]
    [TestCase("model.embed_tokens.lora_A.weight")]
    [TestCase("model.layers.0.self_attn.q_proj.lora_embedding_A")]
    public void A_stray_tensor_is_refused(string tensor)
    {
        ImmutableArray<TargetModule> targets = TestAdapter.Model(2, 8, 8, vocabulary: 8);
        TestAdapter adapter = TestAdapter.For(targets.Where(target => target.Kind == TargetKind.Linear), _ => 2, _ => TensorType.F32);
        adapter.Add("base_model.model." + tensor, TensorType.F32, [8, 8], new Random(1));
        AdapterLoadException error = Refused(adapter, targets);
        Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Tensor, "base_model.model." + tensor)));
    }

    private static TestAdapter Small(out ImmutableArray<TargetModule> targets)
    {
        targets = TestAdapter.Model(2, 8, 12);
        return TestAdapter.For(targets, _ => 2, _ => TensorType.F32);
    }

    private static AdapterDescription Fixture(string adapter) =>
        AdapterDescription.Read(
            new AdapterFolder(adapter, FixtureModel.AdapterPath("core-llama-gqa", adapter)), FixtureModel.Targets("core-llama-gqa"));

    [Test]
    public void Headers_are_looked_into_at_the_pace_of_loads()
    {
        var pace = new LoadPace(1, new ManualClock());
        pace.BeginStep(true, TimeSpan.FromHours(1));
        PacedLoad older = pace.Begin();
        Task<AdapterDescription> read;
        using (older.Work(default))
        {
            read = Task.Factory.StartNew(
                () => AdapterDescription.Read(
                    new AdapterFolder("qv", FixtureModel.AdapterPath("core-llama-gqa", "qv")), FixtureModel.Targets("core-llama-gqa"),
                    pace.Begin()),
                TaskCreationOptions.LongRunning);
            SpinWait.SpinUntil(() => pace.Waiting == 1 || read.IsCompleted);
            Assert.That(read.IsCompleted, Is.False, "one works at a time");
        }

        Assert.That(read.GetAwaiter().GetResult().Modules, Is.Not.Empty);
    }

    private static AdapterDescription Read(TestAdapter adapter, ImmutableArray<TargetModule> targets) =>
        AdapterDescription.Read(adapter.InMemory(), targets);

    private static AdapterLoadException Refused(TestAdapter adapter, ImmutableArray<TargetModule> targets) =>
        Assert.Throws<AdapterLoadException>(() => Read(adapter, targets))!;

    private static IEnumerable<TestCaseData> Cases(bool later) =>
        from model in FixtureModel.CoreModels
        from adapter in FixtureModel.Adapters(model)
        where adapter.StartsWith("later-", StringComparison.Ordinal) == later
        select new TestCaseData(model, adapter).SetArgDisplayNames(model, adapter);
}
