using System.Text.Json;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Models;
using SLoRA.Requests;

namespace SLoRA.Core.Tests.Models;

internal sealed class BrokenQuantTests
{
    private static readonly string Folder = RepositoryFolder.Fixture("broken-quant");

    [TestCaseSource(nameof(Cases), new object[] { "model" })]
    public void A_broken_checkpoint_is_refused_by_kind_and_name(string name, string category, string mention)
    {
        string path = Path.Combine(Folder, name);
        foreach (ModelAccess access in Enum.GetValues<ModelAccess>())
        {
            if (category == "none")
            {
                LoadAll(path, access);
                continue;
            }

            ModelLoadException error = Assert.Throws<ModelLoadException>(() => LoadAll(path, access))!;
            TestContext.Out.WriteLine(error.Message);
            Assert.Multiple(() =>
            {
                Assert.That(error.Code, Is.EqualTo("model." + category));
                Assert.That(error.Message, Does.Contain(mention));
                Assert.That(error.File, Does.StartWith(path));
            });
        }
    }

    [TestCaseSource(nameof(Controls))]
    public async Task Controls_are_read_rightly(string name, int[] prompt, float[] logits)
    {
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder().UseModel(Path.Combine(Folder, name)).UseReference()
            .ConfigurePool(pool => (pool.Bytes, pool.CacheType) = (1 << 20, CacheType.Float32)).BuildAsync();
        var last = new LastLogits();
        await foreach (GeneratedToken _ in engine.GenerateAsync(new GenerationRequest { Prompt = prompt, MaxTokens = 1, Tap = last }))
        {
        }

        Assert.That(last.Values, Is.EqualTo(logits).Within(2e-4f));
    }

    [TestCaseSource(nameof(Cases), new object[] { "adapter" })]
    public void An_adapter_knows_nothing_of_packing(string name, string category, string mention)
    {
        using BaseModel model = BaseModel.Open(Path.Combine(Folder, "control-gptq"));
        AdapterPackage package = AdapterPackage.Of("tenant", Path.Combine(Folder, name));
        if (category == "none")
        {
            Load(package, model);
            return;
        }

        AdapterLoadException error = Assert.Throws<AdapterLoadException>(() => Load(package, model))!;
        Assert.That(error.Kind.ToString(), Is.EqualTo(category).IgnoreCase);
        Assert.That(error.Message, Does.Contain(mention));
    }

    private sealed class LastLogits : LogitsTap
    {
        public float[] Values { get; private set; } = [];

        public override void Take(int position, ReadOnlySpan<float> logits) => Values = logits.ToArray();
    }

    private static void LoadAll(string path, ModelAccess access)
    {
        using BaseModel model = BaseModel.Open(path, access: access);
        foreach (ExpectedTensor tensor in model.Modules.Tensors)
        {
            _ = model.Weight(tensor.Name).Data;
        }
    }

    private static void Load(AdapterPackage package, BaseModel model) =>
        AdapterContent.Load(AdapterDescription.Read(package, model.Modules.Targets), model.WeightOf).Dispose();

    /// <summary>The logits behind the prompt as transformers computes them from the dequantized weights.</summary>
    private static IEnumerable<TestCaseData> Controls()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "broken.json")));
        int[] prompt = [.. document.RootElement.GetProperty("prompt").EnumerateArray().Select(token => token.GetInt32())];
        foreach (JsonElement test in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            string name = test.GetProperty("name").GetString()!;
            if (test.TryGetProperty("last_logits", out JsonElement logits) && !name.Contains("mxfp4", StringComparison.Ordinal))
            {
                yield return new TestCaseData(name, prompt, logits.EnumerateArray().Select(value => value.GetSingle()).ToArray())
                    .SetArgDisplayNames(name);
            }
        }
    }

    private static IEnumerable<TestCaseData> Cases(string kind)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "broken.json")));
        foreach (JsonElement test in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            string name = test.GetProperty("name").GetString()!;
            // The architecture of experts is another test's matter.
            if (test.GetProperty("kind").GetString() == kind && !name.Contains("mxfp4", StringComparison.Ordinal))
            {
                yield return new TestCaseData(name, test.GetProperty("category").GetString(), test.GetProperty("mention").GetString())
                    .SetArgDisplayNames(name);
            }
        }
    }
}
