using System.Collections.Concurrent;
using SLoRA.Text.Tokenization.Reading;

namespace SLoRA.Text;

/// <summary>
/// The tokenizers of an engine's adapters: of those that were trained with tokens of their own, the model's with these tokens, which the
/// tokenizer.json in the adapter's folder names; of all others the model's. Thread-safe.
/// </summary>
/// <param name="engine">Whose adapters.</param>
/// <param name="model">The tokenizer of the engine's model.</param>
internal sealed class AdapterTokenizers(ILoraEngine engine, ModelTokenizer model)
{
    // Each holds its added tokens and shares the vocabulary, so many are cheap; a server may see any number of names.
    private const int MostKept = 1024;
    private const string File = "tokenizer.json";

    // Those of the largest vocabularies have half of it.
    private const long MostBytes = 64 << 20;

    private readonly ConcurrentDictionary<string, Kept> _kept = new(StringComparer.Ordinal);

    /// <summary>
    /// The tokenizer of what requests with these options are answered by; null while their adapter is not registered.
    /// </summary>
    /// <exception cref="TokenizerException">The adapter has tokens whose texts are not known.</exception>
    public ModelTokenizer? Find(GenerationOptions options)
    {
        // Adapters with tokens of their own are alone in their requests.
        if ((options.Adapter ?? (options.Adapters is [{ Name: { } only }] ? only : null)) is not { } name)
        {
            return model;
        }

        return !engine.Adapters.TryGet(name, out AdapterStatus? adapter) ? null : adapter.Coverage.HasOwnTokens ? Of(adapter) : model;
    }

    private ModelTokenizer Of(AdapterStatus adapter)
    {
        var file = adapter.Folder is { } folder ? new FileInfo(Path.Combine(folder, File)) : null;
        if (file is not { Exists: true })
        {
            return adapter.Coverage.AddedTokens == 0 ? model : throw new TokenizerException("tokenizer.adapter",
                $"The adapter '{adapter.Name}' has {adapter.Coverage.AddedTokens} tokens of its own, and no {File} beside its weights says "
                    + "what their texts are.");
        }

        var state = new State(file.FullName, file.LastWriteTimeUtc, adapter.Coverage.AddedTokens);
        if (!_kept.TryGetValue(adapter.Name, out Kept? kept) || kept.Of != state)
        {
            if (_kept.Count >= MostKept)
            {
                _kept.Clear();
            }

            _kept[adapter.Name] = kept = Read(adapter, file, state);
        }

        return kept.Tokenizer ?? throw new TokenizerException(
            "tokenizer.adapter", $"The {File} of the adapter '{adapter.Name}' cannot be used: {kept.Problem}");
    }

    /// <summary>Reads a file, once: what is wrong with it stays wrong until it is another.</summary>
    private Kept Read(AdapterStatus adapter, FileInfo file, State state)
    {
        if (!adapter.FollowsLinks && file.LinkTarget is not null)
        {
            return new Kept(state, null, "it is a symbolic link, which is not followed here.");
        }

        ModelTokenizer own;
        try
        {
            byte[]? json = Bytes(file.FullName);
            if (json is null)
            {
                return new Kept(state, null, $"it cannot be read, or has more than {MostBytes} bytes.");
            }

            own = model.WithTokensOf(ModelTokenizer.FromJson(json));
        }
        catch (TokenizerException error)
        {
            return new Kept(state, null, error.Message);
        }

        int first = engine.Model.VocabularySize, end = first + adapter.Coverage.AddedTokens;
        for (int id = first; id < end; id++)
        {
            if (own.IdToToken(id) is null)
            {
                return new Kept(state, null, $"it has no token {id}; the adapter has those from {first} to {end - 1} of its own.");
            }
        }

        return new Kept(state, own, null);
    }

    /// <summary>The file; null where it cannot be had. Whoever asks need not know where on the server it lies.</summary>
    private static byte[]? Bytes(string path)
    {
        try
        {
            return RegularFile.Read(path, MostBytes);
        }
        catch (TokenizerException)
        {
            return null;
        }
    }

    private readonly record struct State(string Path, DateTime Written, int AddedTokens);

    private sealed record Kept(State Of, ModelTokenizer? Tokenizer, string? Problem);
}
