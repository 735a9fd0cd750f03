using System.Collections.Concurrent;
using SLoRA.Text;

namespace SLoRA.Fidelity.Tests;

/// <summary>One tokenizer per model folder, shared by all its cases.</summary>
internal static class FixtureTokenizer
{
    private static readonly ConcurrentDictionary<string, Lazy<Tokenizer>> Tokenizers = new();

    public static Tokenizer Of(string model) => Tokenizers.GetOrAdd(model, key => new Lazy<Tokenizer>(() => Tokenizer.Load(key))).Value;
}
