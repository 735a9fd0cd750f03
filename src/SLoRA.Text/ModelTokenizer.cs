using System.Buffers;
using System.Text;
using SLoRA.Text.Tokenization;
using SLoRA.Text.Tokenization.AddedTokens;
using SLoRA.Text.Tokenization.Decoders;
using SLoRA.Text.Tokenization.PostProcessors;
using SLoRA.Text.Tokenization.Reading;

namespace SLoRA.Text;

/// <summary>
/// A tokenizer as a Hugging Face folder describes it (<c>tokenizer.json</c> and the configuration beside it): text to token ids and back,
/// id for id and character for character as Hugging Face <c>tokenizers</c>. Immutable and safe for any number of threads.
/// </summary>
public sealed partial class ModelTokenizer
{
    private readonly TokenizerFile _file;
    private readonly TextEncoder _encoder;
    private readonly TokenizerConfiguration _configuration;
    private readonly ScratchPool _scratches = new();

    private ModelTokenizer(TokenizerFile file, TokenizerConfiguration configuration, IReadOnlyList<string> warnings)
    {
        _file = file;
        _encoder = new TextEncoder(file);
        _configuration = configuration;
        Warnings = warnings;
    }

    /// <summary>The number of tokens, added ones included. Ids can be larger: size logits by the model, not by this.</summary>
    public int VocabularySize => _file.Model.Vocabulary.Count + _file.AddedTokens.ExtraCount;

    /// <summary>
    /// What the files contradict themselves and each other in without making the tokenizer unusable: a sentence each, with both values and
    /// which one counts. Worth a line in a server's log when it starts.
    /// </summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>
    /// The special tokens by their role, as tokenizer_config.json and special_tokens_map.json name them: <c>bos_token</c>,
    /// <c>eos_token</c>, <c>pad_token</c>, <c>unk_token</c> and others, only those that are configured. Each of them is a token that texts
    /// are searched for and that decoding can leave out, whether tokenizer.json lists it or not.
    /// </summary>
    public IReadOnlyDictionary<string, string> SpecialTokens => _file.Roles;

    /// <summary>The id of the token that begins a text, or null when none is configured.</summary>
    public int? BosTokenId => SpecialTokenId("bos_token");

    /// <summary>The id of the token that ends a text, or null when none is configured.</summary>
    public int? EosTokenId => SpecialTokenId("eos_token");

    /// <summary>The id of the token that fills up, or null when none is configured.</summary>
    public int? PadTokenId => SpecialTokenId("pad_token");

    /// <summary>The id of the token for what is unknown, or null when none is configured.</summary>
    public int? UnkTokenId => SpecialTokenId("unk_token");

    /// <summary>
    /// What tokenizer_config.json says of <c>add_bos_token</c>, for information: what <see cref="Encode(string, bool)"/> adds is decided by
    /// the post-processor of tokenizer.json alone. Where the two disagree, <see cref="Warnings"/> says so.
    /// </summary>
    public bool? AddBosToken => _configuration.AddBosToken;

    /// <summary>What tokenizer_config.json says of <c>add_eos_token</c>, for information, like <see cref="AddBosToken"/>.</summary>
    public bool? AddEosToken => _configuration.AddEosToken;

    /// <summary>Chat templates as text, by name; the one without a name is <c>default</c>.</summary>
    internal IReadOnlyDictionary<string, string> ChatTemplateTexts => _configuration.ChatTemplates;

    /// <summary>
    /// Loads the tokenizer of a folder: tokenizer.json, and where present tokenizer_config.json, special_tokens_map.json, added_tokens.json
    /// and chat_template.jinja. Or of a GGUF file, which holds tokenizer and chat template: the file itself, or a folder with no
    /// tokenizer.json and one such model. Only regular files are read; opening one never waits.
    /// </summary>
    /// <param name="folder">The folder of a model, or a GGUF file.</param>
    /// <exception cref="TokenizerException">A file is missing, damaged, contradicts itself or holds what is not implemented.</exception>
    public static ModelTokenizer Load(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var warnings = new List<string>();
        if (TokenizerFolder.FindGguf(folder) is { } gguf)
        {
            TokenizerConfiguration held = TokenizerFolder.ReadGguf(gguf, warnings, out byte[] written);
            return new ModelTokenizer(TokenizerFile.Read(written, held.Tokens, warnings), held, warnings);
        }

        byte[] json = TokenizerFolder.ReadTokenizer(folder);
        TokenizerConfiguration configuration = TokenizerFolder.ReadConfiguration(folder, warnings);
        var tokenizer = new ModelTokenizer(TokenizerFile.Read(json, configuration.Tokens, warnings), configuration, warnings);
        tokenizer.CompareFlag("add_bos_token", tokenizer.AddBosToken, "bos_token", isFirst: true, warnings);
        tokenizer.CompareFlag("add_eos_token", tokenizer.AddEosToken, "eos_token", isFirst: false, warnings);
        return tokenizer;
    }

    /// <summary>
    /// Makes a tokenizer of the content of a tokenizer.json alone: no special token has a role, and there is no chat template.
    /// </summary>
    /// <param name="tokenizerJson">The bytes of the file, UTF-8; not kept.</param>
    /// <exception cref="TokenizerException">The content is damaged, contradicts itself or holds what is not implemented.</exception>
    public static ModelTokenizer FromJson(ReadOnlyMemory<byte> tokenizerJson)
    {
        var warnings = new List<string>();
        TokenizerConfiguration configuration = TokenizerConfiguration.Empty;
        return new ModelTokenizer(TokenizerFile.Read(tokenizerJson.Span, configuration.Tokens, warnings), configuration, warnings);
    }

    /// <summary>This tokenizer with the added tokens that another has besides, which must otherwise be the same.</summary>
    /// <param name="other">The other, as a trainer saves it beside an adapter.</param>
    /// <exception cref="TokenizerException">An id means another token there, or none, or its vocabulary itself has more tokens.</exception>
    internal ModelTokenizer WithTokensOf(ModelTokenizer other)
    {
        for (int id = 0; id <= Math.Max(_file.Model.Vocabulary.MaxId, _file.AddedTokens.MaxId); id++)
        {
            if (IdToToken(id) is { } token && other.IdToToken(id) != token)
            {
                throw TokenizerException.Format($"its token {id} is {Excerpt.Of(other.IdToToken(id) ?? "")}, and the model's "
                    + $"{Excerpt.Of(token)}.");
            }
        }

        if (other._file.Model.Vocabulary.Count != _file.Model.Vocabulary.Count)
        {
            throw TokenizerException.Unsupported($"its vocabulary has {other._file.Model.Vocabulary.Count} tokens beside the added ones, "
                + $"and the model's {_file.Model.Vocabulary.Count}.");
        }

        var warnings = new List<string>();
        TokenizerFile file = _file.With(other._file.AddedTokens, warnings);
        foreach ((int id, AddedToken token) in other._file.AddedTokens.All)
        {
            if (!file.AddedTokens.TryGetId(token.Content, out int own) || own != id)
            {
                throw TokenizerException.Format($"its token {Excerpt.Of(token.Content)} has the id {id}, which it cannot have here.");
            }
        }

        return new ModelTokenizer(file, _configuration, warnings);
    }

    /// <summary>The ids of a text.</summary>
    /// <param name="text">Any text; lone surrogates count as U+FFFD.</param>
    /// <param name="addSpecialTokens">Whether to add what the post-processor of tokenizer.json adds, such as a token that begins the
    /// text.</param>
    /// <exception cref="TokenizerException">The text holds what the vocabulary cannot express, or an expression of the file backtracks
    /// without end.</exception>
    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        EncodingScratch scratch = _scratches.Rent();
        Encode(text, addSpecialTokens, scratch);
        int[] ids = scratch.Ids.Span.ToArray();
        Return(scratch);
        return ids;
    }

    /// <summary>The ids of a text that has no special tokens where it is content.</summary>
    internal int[] Encode(string text, ReadOnlySpan<ContentRange> content)
    {
        EncodingScratch scratch = _scratches.Rent();
        scratch.Ids.Clear();
        _encoder.Encode(text, scratch, content);
        int[] ids = scratch.Ids.Span.ToArray();
        Return(scratch);
        return ids;
    }

    /// <summary>The id that the model gives what the vocabulary lacks, or null.</summary>
    internal int? UnknownId => _file.Model.UnknownId;

    /// <summary>Whether an id is a special token's.</summary>
    internal bool IsSpecial(int id) => _file.AddedTokens.IsSpecial(id);

    /// <summary>
    /// Writes the ids of a text. Allocates nothing beyond what <paramref name="output"/> does, once texts of this length have been seen.
    /// </summary>
    /// <param name="text">Any text; lone surrogates count as U+FFFD.</param>
    /// <param name="output">Takes the ids.</param>
    /// <param name="addSpecialTokens">Whether to add what the post-processor of tokenizer.json adds.</param>
    /// <returns>The number of ids written.</returns>
    /// <exception cref="TokenizerException">As for <see cref="Encode(string, bool)"/>; nothing has been written then.</exception>
    public int EncodeTo(ReadOnlySpan<char> text, IBufferWriter<int> output, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(output);
        EncodingScratch scratch = _scratches.Rent();
        Encode(text, addSpecialTokens, scratch);
        int count = scratch.Ids.Count;
        scratch.Ids.CopyTo(output);
        Return(scratch);
        return count;
    }

    /// <summary>The text of ids. Unknown ids are left out.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var sink = new TextSink();
        DecoderStage first = _file.Decoder.CreateStage(sink, streaming: false);
        TokenTexts tokens = Texts(first, skipSpecialTokens);
        foreach (int id in ids)
        {
            tokens.Push(id);
        }

        first.Finish();
        return sink.Text.Span.ToString();
    }

    /// <summary>
    /// Starts to decode a stream of ids. The pieces it gives, joined, are the <see cref="Decode"/> of context and ids together, without
    /// what the context alone had settled.
    /// </summary>
    /// <param name="context">
    /// The ids that came before, usually the prompt. Without them the stream begins a text, and a SentencePiece-like tokenizer drops the
    /// space before the first word; with them it goes on with one. The last of them are read before the call returns.
    /// </param>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    /// <param name="stopStrings">
    /// Texts at which the stream stops; no part of the one that is met is given. They may hold special tokens, whether or not those are
    /// left out of what is given. None by default; as for <see cref="CreateStopCondition"/>.
    /// </param>
    /// <exception cref="ArgumentException">A stop string is null or empty, or they are too long.</exception>
    public TextStream CreateStream(
        ReadOnlySpan<int> context = default, bool skipSpecialTokens = true, IEnumerable<string>? stopStrings = null) =>
        CreateStream(context, skipSpecialTokens, stopStrings is null ? StopStrings.None : new StopStrings(stopStrings));

    internal TextStream CreateStream(ReadOnlySpan<int> context, bool skipSpecialTokens, StopStrings stops)
    {
        StreamDecoder Decoder(bool skip, ReadOnlySpan<int> before) => new(_file.Decoder, first => Texts(first, skip), before);

        return new TextStream(
            Decoder(skipSpecialTokens, context),
            skipSpecialTokens && stops.Longest > 0 ? Decoder(false, context) : null,
            stops);
    }

    /// <summary>Hands tokens by id to the first stage of a decoding.</summary>
    internal TokenTexts Texts(DecoderStage first, bool skipSpecialTokens) =>
        new(_file.Model.Vocabulary, _file.AddedTokens, first, skipSpecialTokens);

    /// <summary>The id of a token, written as in tokenizer.json, or null.</summary>
    public int? TokenToId(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _file.AddedTokens.TryGetId(token, out int id) || _file.Model.Vocabulary.TryGetId(token, out id) ? id : null;
    }

    /// <summary>The token of an id, written as in tokenizer.json, or null.</summary>
    public string? IdToToken(int id) =>
        _file.AddedTokens.Content(id)
            ?? (_file.Model.Vocabulary.TryGetToken(id, out ReadOnlySpan<byte> token) ? Encoding.UTF8.GetString(token) : null);

    /// <summary>
    /// The bytes that a token adds to a text, in UTF-8: less than a character where the token is a part of one, and with its space where it
    /// begins a word. Special tokens stand for themselves.
    /// </summary>
    /// <param name="id">The token.</param>
    /// <returns>The bytes; none for an id that is no token.</returns>
    public byte[] GetTokenBytes(int id)
    {
        if (_file.AddedTokens.Content(id) is { } added)
        {
            return Encoding.UTF8.GetBytes(added);
        }

        if (IdToToken(id) is not { } token)
        {
            return [];
        }

        if (_file.Decoder.BytesOf(token) is { } bytes)
        {
            return bytes;
        }

        // What it adds behind itself: the first token of a text may lose its space.
        string once = Decode([id]);
        string twice = Decode([id, id]);
        return Encoding.UTF8.GetBytes(twice.StartsWith(once, StringComparison.Ordinal) ? twice[once.Length..] : once);
    }

    /// <summary>The ids of two texts as the post-processor joins them, with the type of each and whether the template added it.</summary>
    internal (int[] Ids, int[] Types, bool[] Added) EncodePair(string text, string pair)
    {
        int[] first = Encode(text, addSpecialTokens: false);
        int[] second = Encode(pair, addSpecialTokens: false);
        var joined = new List<(int Id, int Type, bool Added)>();
        foreach (TemplatePiece piece in _file.PostProcessor.Pair)
        {
            IEnumerable<int> ids = piece.Kind switch
            {
                TemplatePieceKind.First => first,
                TemplatePieceKind.Second => second,
                _ => piece.Ids,
            };
            joined.AddRange(ids.Select(id => (id, piece.Type, piece.Kind == TemplatePieceKind.Special)));
        }

        return ([.. joined.Select(t => t.Id)], [.. joined.Select(t => t.Type)], [.. joined.Select(t => t.Added)]);
    }

    /// <summary>The words of a text as the model gets them, for tests.</summary>
    internal IReadOnlyList<string> Words(string text) => _encoder.Words(text);

    private void Encode(ReadOnlySpan<char> text, bool addSpecialTokens, EncodingScratch scratch)
    {
        scratch.Ids.Clear();
        if (!addSpecialTokens)
        {
            _encoder.Encode(text, scratch);
            return;
        }

        foreach (TemplatePiece piece in _file.PostProcessor.Single)
        {
            if (piece.Kind == TemplatePieceKind.First)
            {
                _encoder.Encode(text, scratch);
            }

            foreach (int id in piece.Ids)
            {
                scratch.Ids.Add(id);
            }
        }
    }

    // A flag of tokenizer_config.json against what the post-processor of tokenizer.json does, which decides.
    private void CompareFlag(string name, bool? flag, string role, bool isFirst, List<string> warnings)
    {
        if (flag is not bool says)
        {
            return;
        }

        int? id = SpecialTokenId(role);
        TemplatePiece[] pieces = _file.PostProcessor.Single;
        int text = Array.FindIndex(pieces, piece => piece.Kind == TemplatePieceKind.First);
        IEnumerable<int> added = (isFirst ? pieces[..text] : pieces[(text + 1)..]).SelectMany(piece => piece.Ids);
        bool adds = id is int token && added.Contains(token);
        if (adds == says)
        {
            return;
        }

        string what = SpecialTokens.TryGetValue(role, out string? content) ? Excerpt.Of(content) : $"{role}, which no file names,";
        string does = $"puts {(adds ? "" : "no ")}{what} {(isFirst ? "before" : "after")} a text";
        warnings.Add($"tokenizer_config.json says {name}: {(says ? "true" : "false")}, and the post-processor of tokenizer.json {does}; "
            + $"the post-processor decides.");
    }

    private int? SpecialTokenId(string role) => SpecialTokens.TryGetValue(role, out string? token) ? TokenToId(token) : null;

    private void Return(EncodingScratch scratch)
    {
        scratch.Trim();
        _scratches.Return(scratch);
    }
}
