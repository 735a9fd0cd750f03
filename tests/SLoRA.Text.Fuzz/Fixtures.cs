using System.Text;
using System.Text.Json.Nodes;

namespace SLoRA.Text.Fuzz;

/// <summary>The small tokenizers of the test fixtures.</summary>
internal static class Fixtures
{
    private const int KeptTokens = 40;

    /// <summary>Every synthetic tokenizer.</summary>
    public static IEnumerable<byte[]> Whole() =>
        Directory.GetFiles(Folder("synthetic"), "*.tokenizer.json").Order(StringComparer.Ordinal).Select(File.ReadAllBytes);

    /// <summary>
    /// The same with most of the vocabulary left out, so that mutation mostly meets the components, and the broken files of moderate size.
    /// </summary>
    public static IEnumerable<byte[]> Small()
    {
        foreach (byte[] json in Whole())
        {
            JsonNode root = JsonNode.Parse(json)!;
            JsonNode model = root["model"]!;
            if (model["vocab"] is JsonObject vocabulary)
            {
                foreach (string token in vocabulary.Select(p => p.Key).Skip(KeptTokens).ToArray())
                {
                    vocabulary.Remove(token);
                }

                if (model["merges"] is JsonArray merges)
                {
                    KeepMerges(merges, vocabulary);
                }
            }
            else if (model["vocab"] is JsonArray list)
            {
                while (list.Count > KeptTokens)
                {
                    list.RemoveAt(list.Count - 1);
                }
            }

            if (root["normalizer"]?["precompiled_charsmap"] is not null)
            {
                root["normalizer"]!["precompiled_charsmap"] =
                "CAAAAAACAAAAAAAAYQA=";
            }

            yield return Encoding.UTF8.GetBytes(root.ToJsonString());
        }

        foreach (string file in Directory.GetFiles(Folder("broken"), "*.tokenizer.json").Order(StringComparer.Ordinal))
        {
            if (new FileInfo(file).Length is > 0 and < 4000)
            {
                yield return File.ReadAllBytes(file);
            }
        }
    }

    private static void KeepMerges(JsonArray merges, JsonObject vocabulary)
    {
        for (int i = merges.Count - 1; i >= 0; i--)
        {
            string[] parts = merges[i] is JsonArray pair ? [.. pair.Select(p => p!.ToString())] : merges[i]!.ToString().Split(' ');
            if (!vocabulary.ContainsKey(parts[0]) || !vocabulary.ContainsKey(parts[1])
                || !vocabulary.ContainsKey(parts[0] + parts[1]))
            {
                merges.RemoveAt(i);
            }
        }
    }

    public static string Folder(string part)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "SLoRA.Core.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return Path.Combine(folder
            ?? throw new DirectoryNotFoundException("The fuzzer runs outside the repository."), "tests", "fixtures", "text", part);
    }
}
