using System.Diagnostics;
using System.Text.Json;

namespace SLoRA.Text.Tests.Templates;

/// <summary>Templates that attack the renderer end in an error or a short text, soon and within bounded memory.</summary>
public sealed class HostileTemplateTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    public static IEnumerable<TestCaseData> Cases()
    {
        foreach (string folder in TemplateFixture.Folders())
        {
            string path = Path.Combine(folder, "templates", "hostile.json");
            if (!File.Exists(path)) continue;
            JsonElement root = JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;
            int index = 0;
            foreach (JsonElement entry in root.GetProperty("templates").EnumerateArray())
            {
                yield return new TestCaseData(
                    entry.GetProperty("template").GetString(),
                    entry.GetProperty("must").GetString(),
                    root.GetProperty("messages")).SetArgDisplayNames($"{TemplateFixture.Label(folder)}, {entry.GetProperty("name").GetString()}, {index++}");
            }
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void A_hostile_template_is_refused_or_bounded(string template, string must, JsonElement messages)
    {
        var watch = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        ChatTemplateException? error = null;
        string text = "";
        try
        {
            text = ChatTemplate.Parse(template).Render(new ChatTemplateInputs(messages));
        }
        catch (ChatTemplateException e)
        {
            error = e;
        }

        TestContext.Out.WriteLine($"{watch.ElapsedMilliseconds} ms, {(GC.GetAllocatedBytesForCurrentThread() - before) >> 10} KiB: {error?.Message ?? text[..Math.Min(100, text.Length)]}");
        Assert.Multiple(() =>
        {
            Assert.That(watch.Elapsed, Is.LessThan(Soon));
            Assert.That(text.Length, Is.LessThan(1_000_000));
            if (must == "refuse")
                Assert.That(error, Is.Not.Null);
            if (error is not null)
                Assert.That(error.Message, Is.Not.Empty);
            Assert.That(text, Does.Not.Contain("<class").And.Not.Contain("System."));
        });
    }
}
