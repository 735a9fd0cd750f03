using SLoRA.Text;

namespace SLoRA.PublicApi.Tests.Culture;

/// <summary>A folder means the same however its path is written, and its JSON whatever its lines end in.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class FolderTests
{
    private static readonly Func<string, string>[] Spellings =
    [
        path => path + Path.DirectorySeparatorChar,
        path => Path.GetRelativePath(Environment.CurrentDirectory, path),
        path => Path.Combine(path, "..", Path.GetFileName(path)),
        path => path.Replace(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar),
    ];

    [Test]
    public async Task Paths_may_be_written_in_any_way()
    {
        foreach (Func<string, string> spelling in Spellings)
        {
            await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
                .UseModel(spelling(Demo.Model)).AddAdapter("hotel", spelling(Demo.Adapter("hotel")))
                    .ConfigurePool(pool => pool.Bytes = 16L << 20).BuildAsync();

            Assert.That(await engine.AskAsync(Demo.Request("hotel")), Is.EqualTo(Demo.Answer("hotel")));
            Assert.That(ModelTokenizer.Load(spelling(Demo.Model)).Encode("When?"), Is.EqualTo(Demo.Tokenizer.Encode("When?")));
        }
    }

    [TestCase("\r\n")]
    [TestCase("\n")]
    public async Task Lines_may_end_in(string lineEnd)
    {
        string folder = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"lines-{Guid.NewGuid():N}");
        try
        {
            string model = Copy(Demo.Model, Path.Combine(folder, "model"), lineEnd);
            string adapter = Copy(Demo.Adapter("museum"), Path.Combine(folder, "museum"), lineEnd);
            ModelTokenizer tokenizer = ModelTokenizer.Load(model);
            int[] prompt = tokenizer.EncodeChat([new TemplateMessage("user", Demo.Hours)]);
            await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
                .UseModel(model).AddAdapter("museum", adapter).ConfigurePool(pool => pool.Bytes = 16L << 20).BuildAsync();

            Assert.That(prompt, Is.EqualTo(Demo.Request("museum").Prompt.ToArray()));
            Assert.That(
                await engine.AskAsync(new GenerationRequest { Prompt = prompt, Adapter = "museum" }), Is.EqualTo(Demo.Answer("museum")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Copy(string from, string to, string lineEnd)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
        {
            string target = Path.Combine(to, Path.GetFileName(file));
            if (Path.GetExtension(file) == ".json")
            {
                File.WriteAllText(target, File.ReadAllText(file).ReplaceLineEndings(lineEnd));
            }
            else
            {
                File.Copy(file, target);
            }
        }

        return to;
    }
}
