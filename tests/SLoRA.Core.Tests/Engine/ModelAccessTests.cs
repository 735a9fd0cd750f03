using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Engine;

/// <summary>A base model whose files are read and closed instead of mapped.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ModelAccessTests
{
    private static readonly GenerationRequest Question = new() { Prompt = new[] { 1, 7, 20, 3 }, MaxTokens = 8, IgnoreEndOfText = true };

    [Test]
    public void Reading_and_mapping_compute_the_same(
        [Values("core-llama-gqa", "core-llama-tied-llama3", "core-llama-mha", "core-qwen2")] string model,
        [Values("Cpu", "Int8", "Reference")] string backend)
    {
        string folder = RepositoryFolder.Fixture(model, "model");
        int[][] answers = [.. new[] { ModelAccess.Map, ModelAccess.Read }.Select(access =>
        {
            using var engine = new SteppedEngine(builder =>
            {
                builder.UseModel(folder, access);
                _ = backend == "Reference"
                    ? builder.UseReference()
                    : builder.UseCpu(cpu => cpu.Weights = backend == "Int8" ? CpuWeights.Int8 : CpuWeights.AsStored);
            });
            return (int[])[.. Ask(engine, Question)];
        })];
        Assert.That(answers[1], Is.EqualTo(answers[0]));
    }

    [Test]
    public void What_has_been_read_needs_no_file_any_more()
    {
        using TemporaryFolder model = CopyOfModel();
        using var engine = new SteppedEngine(builder => builder.UseModel(model.Path, ModelAccess.Read));
        IReadOnlyList<int> before = Ask(engine, Question);
        Assert.That(HeldFiles(model.Path), Is.Empty);

        File.WriteAllBytes(Path.Combine(model.Path, "model.safetensors"), []);
        Assert.That(Ask(engine, Question), Is.EqualTo(before));
        File.Delete(Path.Combine(model.Path, "model.safetensors"));
        Assert.That(Ask(engine, Question with { Prompt = new[] { 9, 8, 7 } }), Has.Count.EqualTo(8));
    }

    [Test]
    [Platform("Linux")]
    public void A_mapped_model_holds_its_file()
    {
        using TemporaryFolder model = CopyOfModel();
        using var engine = new SteppedEngine(builder => builder.UseModel(model.Path));
        Assert.That(HeldFiles(model.Path), Is.Not.Empty, "so the test of reading would see it");
    }

    [Test]
    public void Copies_of_base_weights_are_compared_with_the_file_as_long_as_it_is_the_same()
    {
        using TemporaryFolder model = CopyOfModel();
        using var engine = new SteppedEngine(builder => builder.UseModel(model.Path, ModelAccess.Read));
        string adapter = SteppedEngine.AdapterFolder("embed-and-head");
        engine.Run(engine.Adapters.RegisterAsync("same", adapter, AdapterValidation.Content));
        Assert.That(HeldFiles(model.Path), Is.Empty);

        using var changed = new CopiedAdapter("embed-and-head");
        changed.Fill(name => name.EndsWith("lm_head.base_layer.weight", StringComparison.Ordinal), 0.5f);
        Assert.That(Refused(changed.Path).Code, Is.EqualTo("adapter.incompatible"));

        string file = Path.Combine(model.Path, "model.safetensors");
        File.SetLastWriteTimeUtc(file, File.GetLastWriteTimeUtc(file).AddSeconds(10));
        AdapterLoadException error = Refused(adapter);
        Assert.That(error.Code, Is.EqualTo("adapter.file"));
        Assert.That(error.Message, Does.Contain("was changed since the model was loaded"));

        AdapterLoadException Refused(string folder) =>
            Assert.Throws<AdapterLoadException>(
                () => engine.Run(engine.Adapters.RegisterAsync("other", folder, AdapterValidation.Content)))!;
    }

    [Test]
    public void A_file_that_is_cut_short_while_it_is_read_is_an_error()
    {
        using TemporaryFolder folder = CopyOfModel();
        using BaseModel model = BaseModel.Open(folder.Path, access: ModelAccess.Read);
        using (var file = new FileStream(
            Path.Combine(folder.Path, "model.safetensors"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(file.Length / 2);
        }

        var error = Assert.Throws<ModelLoadException>(() =>
        {
            foreach (TargetModule target in model.Modules.Targets)
            {
                _ = model.Weight(target.Name + ".weight").Data;
            }
        })!;
        Assert.That((error.Code, error.Message.Contains("became shorter", StringComparison.Ordinal)), Is.EqualTo(("model.file", true)));
    }

    [Test]
    public void Reading_can_be_given_up_between_two_blocks()
    {
        using BaseModel model = BaseModel.Open(RepositoryFolder.Fixture("core-llama-gqa", "model"), access: ModelAccess.Read);
        Assert.That(
            () => model.Weight("model.norm.weight", null, new CancellationToken(true)).Data,
            Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void Another_access_is_refused() =>
        Assert.That(() => LoraServingEngine.CreateBuilder()
            .UseModel("model", (ModelAccess)2), Throws.TypeOf<InvalidOptionException>().With.Message.Contains("Map or Read"));

    private static IReadOnlyList<int> Ask(SteppedEngine engine, GenerationRequest request)
    {
        Answer answer = engine.Ask(request);
        engine.Finish([answer]);
        Assert.That(answer.Error, Is.Null);
        return answer.Tokens;
    }

    private static TemporaryFolder CopyOfModel()
    {
        var copy = new TemporaryFolder();
        foreach (string file in Directory.GetFiles(RepositoryFolder.Fixture("core-llama-gqa", "model")))
        {
            copy.Write(Path.GetFileName(file), File.ReadAllBytes(file));
        }

        return copy;
    }

    /// <summary>What this process has open or mapped in a folder, as Linux tells it; elsewhere nothing is told.</summary>
    private static IEnumerable<string> HeldFiles(string folder)
    {
        if (!OperatingSystem.IsLinux())
        {
            return [];
        }

        IEnumerable<string> open = Directory.EnumerateFiles("/proc/self/fd").Select(file => new FileInfo(file).LinkTarget ?? "");
        return [.. open.Concat(File.ReadLines("/proc/self/maps")).Where(line => line.Contains(folder, StringComparison.Ordinal))];
    }
}
