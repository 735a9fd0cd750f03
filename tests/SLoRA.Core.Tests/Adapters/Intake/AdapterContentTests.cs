using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters.Intake;

internal sealed class AdapterContentTests
{
    private static readonly ImmutableArray<TargetModule> Targets = TestAdapter.Model(2, 8, 12);

    public static IEnumerable<TestCaseData> Core => AdapterDescriptionTests.Core;

    [TestCaseSource(nameof(Core))]
    public void A_fixture_loads_with_the_bytes_of_its_file(string model, string adapter)
    {
        BaseFile file = BaseFile.Of(model);
        string folder = FixtureModel.AdapterPath(model, adapter);
        using AdapterContent content =
            AdapterContent.Load(AdapterDescription.Read(new AdapterFolder(adapter, folder), FixtureModel.Targets(model)), file.Weight);
        byte[] tensors = File.ReadAllBytes(Path.Combine(folder, "adapter_model.safetensors"));
        SafetensorsHeader header = SafetensorsWriter.Read(tensors);
        Assert.That(content.Modules, Is.Not.Empty);
        foreach (AdapterContentModule module in content.Modules)
        {
            foreach (WeightMatrix matrix in (WeightMatrix[])[module.A, module.B])
            {
                TensorEntry entry = header.Find(matrix.Name)!;
                Assert.That(matrix.Bytes.SequenceEqual(tensors.AsSpan((int)entry.Begin, (int)entry.Length)), matrix.Name);
                Assert.That(
                    (matrix.Type, (long)matrix.Rows, (long)matrix.Columns), Is.EqualTo((entry.Type, entry.Shape[0], entry.Shape[1])));
            }

            Assert.That((module.A.Rows, module.B.Columns), Is.EqualTo((module.Rank, module.Rank)));
        }
    }

    [Test]
    public void A_fixture_with_copies_of_base_weights_is_refused_on_a_changed_base()
    {
        BaseFile file = BaseFile.Of("core-llama-gqa");
        AdapterDescription description = AdapterDescription.Read(
            new AdapterFolder("tenant", FixtureModel.AdapterPath("core-llama-gqa", "embed-and-head")),
            FixtureModel.Targets("core-llama-gqa"));
        Assert.That(description.BaseMatrices.Select(matrix => matrix.Target.Name), Is.EqualTo(new[] { "model.embed_tokens", "lm_head" }));
        file.Change("lm_head.weight", element: 1234);
        var error = Assert.Throws<AdapterLoadException>(() => AdapterContent.Load(description, file.Weight))!;
        Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Incompatible, "base_model.model.lm_head.base_layer.weight")));
    }

    /// <summary>The copy is longer than one piece of reading, which ends at the border of a block.</summary>
    [Test]
    public void A_copy_of_a_base_weight_in_blocks_is_compared_by_value([Values] bool changed)
    {
        ImmutableArray<TargetModule> targets = TestAdapter.Model(1, 96, 4000);
        var random = new Random(5);
        byte[] blocks = RandomBlocks.Make(WeightFormat.Q8_0, 96 * 4000, () => (random.NextSingle() * 2) - 1);
        var values = new float[96 * 4000];
        WeightFormat.Q8_0.Widen(blocks, values);
        TestAdapter adapter = TestAdapter.For(targets.Take(1), _ => 2, _ => TensorType.F32);
        string copy = $"base_model.model.{targets[0].Name}.base_layer.weight";
        if (changed)
        {
            values[^1] += 1;
        }

        adapter.Tensors.Add((copy, "F32", [4000, 96], TestAdapter.Bytes(TensorType.F32, values)));
        AdapterDescription description = AdapterDescription.Read(adapter.InMemory(), targets);
        BaseWeight Own(TargetModule target) => new(
            WeightFormat.Q8_0, values.Length, (offset, destination) => blocks.AsSpan((int)offset, destination.Length).CopyTo(destination),
            IsInMemory: true);

        if (changed)
        {
            var error = Assert.Throws<AdapterLoadException>(() => AdapterContent.Load(description, Own))!;
            Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Incompatible, copy)));
        }
        else
        {
            using AdapterContent content = AdapterContent.Load(description, Own);
            Assert.That(content.Modules, Has.Length.EqualTo(1));
        }
    }

    [TestCase("nan", "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight")]
    [TestCase("infinity", "base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight")]
    public void Values_that_are_not_finite_register_and_do_not_load(string name, string tensor)
    {
        AdapterDescription description =
            AdapterDescription.Read(new AdapterFolder("tenant", FixtureModel.BrokenPath(name)), FixtureModel.Targets("core-llama-gqa"));
        var error = Assert.Throws<AdapterLoadException>(() => AdapterContent.Load(description, NoBase))!;
        Assert.That((error.Code, error.Subject, error.Adapter), Is.EqualTo(("adapter.tensor", tensor, "tenant")));
    }

    [Test]
    public void The_control_loads()
    {
        using AdapterContent content =
            Load(new AdapterFolder("tenant", FixtureModel.BrokenPath("control")), FixtureModel.Targets("core-llama-gqa"));
        Assert.That(content.Modules, Has.Length.EqualTo(6));
    }

    [Test]
    public void Loading_can_be_cancelled()
    {
        AdapterDescription description = AdapterDescription.Read(Small().InMemory(), Targets);
        Assert.That(() => AdapterContent.Load(description, NoBase, cancellationToken: new CancellationToken(true)),
            Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void Memory_is_gone_after_disposal()
    {
        AdapterContent content = Load(Small().InMemory(), Targets);
        content.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _ = content.Modules[0].A.Bytes.Length);
    }

    [Test]
    public void The_same_content_is_the_same_generation_wherever_it_lies_and_however_it_is_written()
    {
        using var folder = new TemporaryFolder();
        TestAdapter adapter = Small();
        GenerationId id = Id(adapter.InMemory());
        adapter.Write(folder.Path);
        File.WriteAllText(Path.Combine(folder.Path, "adapter_config.json"), "\n " + JsonNode.Parse(
            adapter.Config.ToJsonString())!.ToJsonString(new System.Text.Json.JsonSerializerOptions { WriteIndented = true }));
        Assert.That(Id(new AdapterFolder("other", folder.Path)), Is.EqualTo(id));

        // Another order in the file, other names of the tensors, targets spelled otherwise, and options without effect.
        adapter.Tensors.Reverse();
        for (int at = 0; at < adapter.Tensors.Count; at++)
        {
            adapter.Tensors[at] =
                adapter.Tensors[at] with { Name = adapter.Tensors[at].Name.Replace("base_model.model.", "", StringComparison.Ordinal) };
        }

        adapter.Config["target_modules"] = ".*_proj";
        adapter.Config["lora_dropout"] = 0.5;
        adapter.Config["rank_pattern"] = new JsonObject { [".*"] = 3 };
        Assert.That(Id(adapter.InMemory()), Is.EqualTo(id));
        Assert.That(id.ToString(), Does.Match("^[0-9a-f]{12}$"));
    }

    [SeededProperty(MaxTest = 60)]
    public Property One_changed_bit_is_another_generation(PositiveInt tensor, PositiveInt place, byte bit)
    {
        TestAdapter adapter = Small();
        GenerationId id = Id(adapter.InMemory());
        byte[] data = adapter.Tensors[tensor.Get % adapter.Tensors.Count].Data;
        // Bit 6 of the last byte is left alone: with it a value could become infinite.
        int at = place.Get % data.Length;
        data[at] ^= (byte)(1 << (at % 4 == 3 ? bit % 6 : bit % 8));
        return (Id(adapter.InMemory()) != id).ToProperty();
    }

    [Test]
    public void Another_scale_rank_type_or_module_is_another_generation()
    {
        var ids = new HashSet<GenerationId> { Id(Small().InMemory()) };
        Add(adapter => adapter.Config["lora_alpha"] = 8.000001);
        Add(adapter => adapter.Config["use_rslora"] = true);
        Add(adapter => adapter.Config["alpha_pattern"] = new JsonObject { ["v_proj"] = 9 });
        Assert.That(ids.Add(Id(TestAdapter.For(Targets, _ => 2, _ => TensorType.F32).InMemory())), Is.True);
        Assert.That(ids.Add(Id(TestAdapter.For(Targets.Take(3), _ => 3, _ => TensorType.F32).InMemory())), Is.True);
        Assert.That(ids.Add(Id(TestAdapter.For(Targets, _ => 3, _ => TensorType.BF16).InMemory())), Is.True);
        Assert.That(ids.Add(Id(TestAdapter.For(Targets, _ => 3, _ => TensorType.F16).InMemory())), Is.True);

        void Add(Action<TestAdapter> change)
        {
            TestAdapter adapter = Small();
            change(adapter);
            Assert.That(ids.Add(Id(adapter.InMemory())), Is.True);
        }
    }

    [Test]
    public void Rank_and_bytes_cannot_be_traded_for_one_another()
    {
        // All zeros, so that only the shapes differ.
        TestAdapter narrow = TestAdapter.For(Targets.Take(1), _ => 2, _ => TensorType.F32),
            wide = TestAdapter.For(Targets.Take(1), _ => 4, _ => TensorType.F16);
        foreach (TestAdapter adapter in (TestAdapter[])[narrow, wide])
        {
            adapter.Tensors.ForEach(tensor => Array.Clear(tensor.Data));
        }

        wide.Config["lora_alpha"] = 16;
        Assert.That(Id(narrow.InMemory()), Is.Not.EqualTo(Id(wide.InMemory())));
    }

    [Test]
    public void Content_that_is_another_than_before_is_refused()
    {
        TestAdapter adapter = Small();
        AdapterPackage package = adapter.InMemory();
        AdapterDescription description = AdapterDescription.Read(package, Targets);
        GenerationId id = Id(package);
        using (AdapterContent again = AdapterContent.Load(description, NoBase, id))
        {
            Assert.That(again.Id, Is.EqualTo(id));
        }

        BinaryPrimitives.WriteSingleLittleEndian(adapter.Tensors[0].Data, 0.125f);
        var error = Assert.Throws<AdapterChangedException>(() => AdapterContent.Load(description, NoBase, id))!;
        Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.File));
        Assert.That(error.Message, Does.Contain(id.ToString()));
    }

    private static TestAdapter Small() => TestAdapter.For(Targets, _ => 3, _ => TensorType.F32);

    private static BaseWeight NoBase(TargetModule target) => throw new InvalidOperationException("no copy of a base weight is expected");

    private static AdapterContent Load(AdapterPackage package, ImmutableArray<TargetModule> targets) =>
        AdapterContent.Load(AdapterDescription.Read(package, targets), NoBase);

    private static GenerationId Id(AdapterPackage package)
    {
        using AdapterContent content = Load(package, Targets);
        return content.Id;
    }
}
