using System.Collections.Concurrent;
using SLoRA.Text;

namespace SLoRA.Fidelity.Tests;

/// <summary>One tokenizer per model folder, shared by all its cases.</summary>
internal static class FixtureTokenizer
{
    private static readonly ConcurrentDictionary<string, Lazy<ModelTokenizer>> Tokenizers = new();

    public static ModelTokenizer Of(string model) =>
        Tokenizers.GetOrAdd(model, key => new Lazy<ModelTokenizer>(() => ModelTokenizer.Load(key))).Value;
}
