using System.Text.Json;
using NUnit.Framework;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Models;

internal sealed class BrokenModelTests
{
    private static readonly string Folder = Path.Combine(RepositoryFolder.Fixtures, "broken-models");

    [TestCaseSource(nameof(Cases))]
    public void A_broken_model_is_refused_by_kind_and_name(string name, string category, string mention)
    {
        string folder = Path.Combine(Folder, name);
        if (category == "none")
        {
            using BaseModel model = BaseModel.Open(folder);
            Assert.That(model.Decoder.Layers, Has.Length.EqualTo(1));
            return;
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        ModelLoadException error = Assert.Throws<ModelLoadException>(() => BaseModel.Open(folder))!;
        long taken = GC.GetAllocatedBytesForCurrentThread() - before;
        TestContext.Out.WriteLine(error.Message);
        Assert.Multiple(() =>
        {
            Assert.That(error.Code, Is.EqualTo("model." + category));
            Assert.That(error.Kind.ToString(), Is.EqualTo(category).IgnoreCase);
            Assert.That(error.Message, Does.Contain(mention));
            Assert.That(error.Message, Does.Contain(folder));
            Assert.That(error.File, Does.StartWith(folder));
            Assert.That(taken, Is.LessThan(8 << 20));
        });
    }

    [Test]
    public void Every_broken_folder_has_its_case()
    {
        Assert.That(Cases()
            .Select(test => (string)test.Arguments[0]!), Is.EquivalentTo(Directory.GetDirectories(Folder).Select(Path.GetFileName)));
    }

    private static IEnumerable<TestCaseData> Cases()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "broken.json")));
        foreach (JsonElement test in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            string name = test.GetProperty("name").GetString()!;
            yield return new TestCaseData(name, test.GetProperty("category").GetString()!, test.GetProperty("mention").GetString()!)
                .SetArgDisplayNames(name);
        }
    }
}
