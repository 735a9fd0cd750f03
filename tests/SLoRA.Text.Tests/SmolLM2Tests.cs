using System.Text.Json;

namespace SLoRA.Text.Tests;

/// <summary>
/// SmolLM2's tokenizer against what Hugging Face made of the same texts, where the folders that the environment variable SLORA_SMOLLM2
/// names hold it: its tokenizer.json in one, expected-f32.json in the same or another.
/// </summary>
public sealed class SmolLM2Tests
{
    [Test]
    public void Prompts_encode_and_answers_decode_as_expected()
    {
        string? model = Find("tokenizer.json");
        string? expected = Find("expected-f32.json");
        if (model is null || expected is null)
        {
            Assert.Ignore("SLORA_SMOLLM2 names no folders with tokenizer.json and expected-f32.json.");
        }

        ModelTokenizer tokenizer = ModelTokenizer.Load(Path.GetDirectoryName(model)!);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(expected!));
        Assert.Multiple(() =>
        {
            foreach (JsonElement item in document.RootElement.GetProperty("cases").EnumerateArray())
            {
                string name = item.GetProperty("name").GetString()!;
                Assert.That(tokenizer.Encode(item.GetProperty("prompt").GetString()!),
                    Is.EqualTo(item.GetProperty("prompt_ids").Deserialize<int[]>()), name);
                int[] answer = item.GetProperty("greedy_ids").Deserialize<int[]>()!;
                JsonElement stop = item.GetProperty("stop");
                if (stop.ValueKind == JsonValueKind.Number)
                {
                    answer = answer[..stop.GetInt32()];
                }

                Assert.That(tokenizer.Decode(answer), Is.EqualTo(item.GetProperty("text").GetString()), name);
            }
        });
    }

    private static string? Find(string file) => (Environment.GetEnvironmentVariable("SLORA_SMOLLM2") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, file))
        .FirstOrDefault(File.Exists);
}
