using System.Diagnostics;
using System.Text.Json;

namespace SLoRA.Text.Tests.Tokenization;

/// <summary>Damaged and hostile tokenizer files: refused by name, reported, or bounded.</summary>
public sealed class BrokenFileTests
{
    public static IEnumerable<TestCaseData> Files()
    {
        foreach ((string name, string path) in TokenizerFixture.Folders())
        {
            string index = Path.Combine(path, "broken", "index.json");
            if (!File.Exists(index))
            {
                continue;
            }

            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(index));
            int number = 0;
            foreach (JsonElement item in document.RootElement.GetProperty("files").EnumerateArray())
            {
                string file = item.GetProperty("file").GetString()!;
                yield return new TestCaseData(
                    Path.Combine(path, "broken", file),
                    item.GetProperty("expect").GetString(),
                    item.TryGetProperty("error_names", out JsonElement names) ? names.GetString() : null,
                    item.GetProperty("try").GetString()).SetArgDisplayNames(name, file, $"{number++}");
            }
        }
    }

    [TestCaseSource(nameof(Files))]
    public void A_broken_file_does_what_is_asked_of_it(string path, string expect, string? errorNames, string text)
    {
        byte[] json = File.ReadAllBytes(path);
        long before = GC.GetTotalAllocatedBytes();
        var watch = Stopwatch.StartNew();
        TokenizerException? error = null;
        IReadOnlyList<string> warnings = [];
        try
        {
            ModelTokenizer tokenizer = ModelTokenizer.FromJson(json);
            warnings = tokenizer.Warnings;
            if (expect != "error")
            {
                tokenizer.Decode(tokenizer.Encode(text));
            }
        }
        catch (TokenizerException e)
        {
            error = e;
            TestContext.Out.WriteLine($"{e.Code}: {e.Message}");
        }

        foreach (string warning in warnings)
        {
            TestContext.Out.WriteLine(warning);
        }

        switch (expect)
        {
            case "error":
                Assert.That(error, Is.Not.Null);
                if (errorNames is not null)
                {
                    Assert.That(error!.Message, Does.Contain(errorNames));
                }

                break;
            case "warn":
                Assert.That(error is not null || warnings.Count > 0, "neither refused nor reported");
                break;
            default:
                Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(20)));
                Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan(1L << 28));
                break;
        }
    }
}
