using System.Text.Json.Nodes;

namespace SLoRA.Text.Fuzz;

/// <summary>The small tokenizers of the test fixtures.</summary>
internal static class Fixtures
{
    private const int KeptTokens = 40;

    /// <summary>Every synthetic tokenizer.</summary>
    public static IEnumerable<string> Whole(string folder) => Files(folder, "synthetic").Select(File.ReadAllText);

    /// <summary>
    /// The same with most of the vocabulary left out, so that mutation mostly meets the components, and the broken files of moderate size.
    /// </summary>
    public static IEnumerable<string> Small(string folder)
    {
        foreach (string json in Whole(folder))
        {
            JsonNode root = JsonNode.Parse(json)!;
            JsonNode model = root["model"]!;
            if (model["vocab"] is JsonObject vocabulary)
            {
                foreach (string token in vocabulary.Select(p => p.Key).Skip(KeptTokens).ToArray()) vocabulary.Remove(token);
                if (model["merges"] is JsonArray merges) KeepMerges(merges, vocabulary);
            }
            else if (model["vocab"] is JsonArray list)
            {
                while (list.Count > KeptTokens) list.RemoveAt(list.Count - 1);
            }

            if (root["normalizer"]?["precompiled_charsmap"] is not null) root["normalizer"]!["precompiled_charsmap"] = "CAAAAAACAAAAAAAAYQA=";
            yield return root.ToJsonString();
        }

        foreach (string file in Files(folder, "broken"))
        {
            if (new FileInfo(file).Length is > 0 and < 4000) yield return File.ReadAllText(file);
        }
    }

    private static void KeepMerges(JsonArray merges, JsonObject vocabulary)
    {
        for (int i = merges.Count - 1; i >= 0; i--)
        {
            string[] parts = merges[i] is JsonArray pair ? [.. pair.Select(p => p!.ToString())] : merges[i]!.ToString().Split(' ');
            if (!vocabulary.ContainsKey(parts[0]) || !vocabulary.ContainsKey(parts[1]) || !vocabulary.ContainsKey(parts[0] + parts[1])) merges.RemoveAt(i);
        }
    }

    private static IOrderedEnumerable<string> Files(string folder, string part) =>
        Directory.GetFiles(Path.Combine(folder, part), "*.tokenizer.json").Order(StringComparer.Ordinal);
}
