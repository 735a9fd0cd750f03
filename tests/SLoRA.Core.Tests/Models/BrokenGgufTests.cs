using System.Text.Json;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Models;

internal sealed class BrokenGgufTests
{
    private static readonly string Folder = RepositoryFolder.Fixture("broken-gguf");

    [TestCaseSource(nameof(Cases), new object[] { "model" })]
    public void A_broken_model_is_refused_by_kind_and_name(string file, string category, string mention)
    {
        string path = Path.Combine(Folder, file);
        if (category == "none")
        {
            LoadAll(path, ModelAccess.Map);
            return;
        }

        foreach (ModelAccess access in Enum.GetValues<ModelAccess>())
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            ModelLoadException error = Assert.Throws<ModelLoadException>(() => LoadAll(path, access))!;
            long taken = GC.GetAllocatedBytesForCurrentThread() - before;
            TestContext.Out.WriteLine(error.Message);
            Assert.Multiple(() =>
            {
                Assert.That(error.Code, Is.EqualTo("model." + category));
                Assert.That(error.Kind.ToString(), Is.EqualTo(category).IgnoreCase);
                Assert.That(error.Message, Does.Contain(mention));
                Assert.That(error.File, Does.StartWith(Folder));
                Assert.That(taken, Is.LessThan(8 << 20));
            });
        }
    }

    [TestCaseSource(nameof(Cases), new object[] { "adapter" })]
    public void A_broken_adapter_is_refused_by_kind_and_name(string file, string category, string mention)
    {
        using BaseModel model = BaseModel.Open(Path.Combine(Folder, "control", "model.gguf"));
        AdapterPackage package =
            AdapterPackage.Of("tenant", Path.Combine(Folder, file)).ForBase(AdapterBase.Of(model.Decoder));
        if (category == "none")
        {
            Load(package, model);
            return;
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        AdapterLoadException error = Assert.Throws<AdapterLoadException>(() => Load(package, model))!;
        long taken = GC.GetAllocatedBytesForCurrentThread() - before;
        TestContext.Out.WriteLine(error.Message);
        Assert.Multiple(() =>
        {
            Assert.That(error.Kind.ToString(), Is.EqualTo(category).IgnoreCase);
            Assert.That(error.Message, Does.Contain(mention));
            Assert.That(error.Message, Does.Not.Contain(Folder), "Where it lies is nobody's business.");
            Assert.That(taken, Is.LessThan(8 << 20));
        });
    }

    private static void LoadAll(string path, ModelAccess access)
    {
        using BaseModel model = BaseModel.Open(path, access: access);
        foreach (ExpectedTensor tensor in model.Modules.Tensors)
        {
            _ = model.Weight(tensor.Name, access == ModelAccess.Map ? null : _ => WeightFormat.F32).Data;
        }
    }

    private static void Load(AdapterPackage package, BaseModel model)
    {
        AdapterDescription description = AdapterDescription.Read(package, model.Modules.Targets);
        AdapterContent.Load(description, model.WeightOf).Dispose();
    }

    private static IEnumerable<TestCaseData> Cases(string kind)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "broken.json")));
        foreach (JsonElement test in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            if (test.GetProperty("kind").GetString() == kind)
            {
                yield return new TestCaseData(
                    test.GetProperty("file").GetString(), test.GetProperty("category").GetString(),
                    test.GetProperty("mention").GetString()).SetArgDisplayNames(test.GetProperty("name").GetString()!);
            }
        }
    }
}
