using System.Collections.Concurrent;

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

        var state = (file.FullName, file.Length, file.LastWriteTimeUtc);
        if (_kept.TryGetValue(adapter.Name, out Kept? kept) && kept.State == state)
        {
            return kept.Tokenizer;
        }

        if (_kept.Count >= MostKept)
        {
            _kept.Clear();
        }

        kept = new Kept(state, Read(adapter, file.DirectoryName!));
        _kept[adapter.Name] = kept;
        return kept.Tokenizer;
    }

    private ModelTokenizer Read(AdapterStatus adapter, string folder)
    {
        ModelTokenizer own;
        try
        {
            own = model.WithTokensOf(ModelTokenizer.Load(folder));
        }
        catch (TokenizerException error)
        {
            // Whoever asks need not know where on the server it lies.
            throw Refusal(adapter, error.Code == "tokenizer.file" ? "it cannot be read." : error.Message, error);
        }

        int first = engine.Model.VocabularySize, end = first + adapter.Coverage.AddedTokens;
        for (int id = first; id < end; id++)
        {
            if (own.IdToToken(id) is null)
            {
                throw Refusal(adapter, $"it has no token {id}; the adapter has those from {first} to {end - 1} of its own.", null);
            }
        }

        return own;
    }

    private static TokenizerException Refusal(AdapterStatus adapter, string problem, Exception? inner) =>
        new("tokenizer.adapter", $"The {File} of the adapter '{adapter.Name}' cannot be used: {problem}", inner);

    private sealed record Kept((string Path, long Length, DateTime Written) State, ModelTokenizer Tokenizer);
}
