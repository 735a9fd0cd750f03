using System.Text.Json;
using System.Text.Unicode;
using SLoRA.Text.Tokenization.AddedTokens;
using SLoRA.Text.Tokenization.Decoders;
using SLoRA.Text.Tokenization.Models;
using SLoRA.Text.Tokenization.Normalizers;
using SLoRA.Text.Tokenization.PostProcessors;
using SLoRA.Text.Tokenization.PreTokenizers;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>A tokenizer.json, read into components.</summary>
internal sealed class TokenizerFile
{
    /// <summary>Deeper files are refused: components nest two or three levels.</summary>
    public const int MaxDepth = 128;

    public required TokenModel Model { get; init; }

    public required AddedTokenTable AddedTokens { get; init; }

    public required Normalizer? Normalizer { get; init; }

    public required IReadOnlyList<PreTokenizer> PreTokenizers { get; init; }

    /// <summary>Whether words reach the model as the stand-ins of their bytes.</summary>
    public required bool WordsAreBytes { get; init; }

    public required PostProcessor PostProcessor { get; init; }

    public required TokenDecoder Decoder { get; init; }

    public required IReadOnlyList<string> Warnings { get; init; }

    /// <exception cref="TokenizerException">The file is damaged, contradicts itself or holds what is not implemented.</exception>
    public static TokenizerFile Read(ReadOnlySpan<byte> json)
    {
        if (json.StartsWith("\uFEFF"u8)) json = json[3..];
        if (!Utf8.IsValid(json)) throw TokenizerException.Format("tokenizer.json is not UTF-8.");
        try
        {
            return ReadValid(json);
        }
        catch (JsonException e)
        {
            throw TokenizerException.Format($"tokenizer.json is not well-formed JSON: {e.Message}", e);
        }
    }

    private static TokenizerFile ReadValid(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw TokenizerException.Format("tokenizer.json must be an object.");
        var sections = new Dictionary<string, ConfigNode>();
        var seen = new HashSet<string>();
        ModelSection? model = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = JsonText.String(ref reader, "tokenizer.json");
            if (!seen.Add(name)) throw TokenizerException.Format($"tokenizer.json holds the section '{name}' twice.");
            reader.Read();
            if (name == "model" && reader.TokenType != JsonTokenType.Null)
            {
                model = ModelSection.Read(ref reader, json.Length);
            }
            else if (name is "version" or "added_tokens" or "normalizer" or "pre_tokenizer" or "post_processor" or "decoder")
            {
                sections[name] = new ConfigNode(JsonElement.ParseValue(ref reader), name);
            }
            else
            {
                reader.Skip();
            }
        }

        if (reader.Read()) throw TokenizerException.Format("tokenizer.json goes on after its end.");
        return Assemble(sections, model ?? throw TokenizerException.Format("tokenizer.json has no model."));
    }

    private static TokenizerFile Assemble(Dictionary<string, ConfigNode> sections, ModelSection model)
    {
        ConfigNode Section(string name) => sections.TryGetValue(name, out ConfigNode node) ? node : new ConfigNode(default, name);

        string version = Section("version").String("1.0");
        if (version != "1.0") throw TokenizerException.Unsupported($"The version of tokenizer.json is '{version}', and only 1.0 is known.");
        var warnings = new List<string>();
        IReadOnlyList<AddedToken> added = AddedTokenReader.Read(Section("added_tokens"));
        Normalizer? normalizer = NormalizerReader.Read(Section("normalizer"));
        IReadOnlyList<PreTokenizer> preTokenizers = PreTokenizerReader.Read(Section("pre_tokenizer"), out bool wordsAreBytes);
        PostProcessor postProcessor = PostProcessorReader.Read(Section("post_processor"));
        TokenDecoder decoder = DecoderReader.Read(Section("decoder"));
        TokenModel tokenModel = model.Build(warnings);
        return new TokenizerFile
        {
            Model = tokenModel,
            AddedTokens = new AddedTokenTable(added, tokenModel.Vocabulary, text => Normalized(normalizer, text), warnings),
            Normalizer = normalizer,
            PreTokenizers = preTokenizers,
            WordsAreBytes = wordsAreBytes,
            PostProcessor = postProcessor,
            Decoder = decoder,
            Warnings = warnings,
        };
    }

    private static string Normalized(Normalizer? normalizer, string text)
    {
        if (normalizer is null) return text;
        var output = new CharBuffer { MaxLength = 1 << 20 };
        normalizer.Normalize(text, output);
        return output.Span.ToString();
    }
}
