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

    /// <summary>Components of one section. Real files have seven at most; each takes working memory of its own.</summary>
    private const int MaxComponents = 64;

    public required TokenModel Model { get; init; }

    public required AddedTokenTable AddedTokens { get; init; }

    public required Normalizer? Normalizer { get; init; }

    public required IReadOnlyList<PreTokenizer> PreTokenizers { get; init; }

    /// <summary>Whether words reach the model as the stand-ins of their bytes.</summary>
    public required bool WordsAreBytes { get; init; }

    public required PostProcessor PostProcessor { get; init; }

    public required TokenDecoder Decoder { get; init; }

    /// <summary>The roles of special tokens, by the files beside this one.</summary>
    public required IReadOnlyDictionary<string, string> Roles { get; init; }

    /// <param name="json">The file.</param>
    /// <param name="configured">What the files beside it say of tokens.</param>
    /// <param name="warnings">Takes what the files contradict themselves and each other in.</param>
    /// <exception cref="TokenizerException">The file is damaged, contradicts itself or holds what is not implemented.</exception>
    public static TokenizerFile Read(ReadOnlySpan<byte> json, ConfiguredTokens configured, List<string> warnings)
    {
        if (WrongFile.Describe(json) is string what)
        {
            throw TokenizerException.Format($"tokenizer.json is {what}");
        }

        if (json.StartsWith("\uFEFF"u8))
        {
            json = json[3..];
        }

        if (!Utf8.IsValid(json))
        {
            throw TokenizerException.Format("tokenizer.json is not UTF-8.");
        }

        string section = "";
        Dictionary<string, ConfigNode> sections;
        ModelSection model;
        try
        {
            (sections, model) = ReadSections(json, ref section);
        }
        catch (JsonException e)
        {
            string place = section.Length == 0 ? "" : $", in {Excerpt.Of(section)}";
            throw TokenizerException.Format($"tokenizer.json is not well-formed JSON{place}: {e.Message}", e);
        }

        return Assemble(sections, model, configured, warnings);
    }

    /// <summary>The same with other added tokens, in the order of their ids.</summary>
    public TokenizerFile With(AddedTokenTable added, List<string> warnings)
    {
        int room = CharBuffer.Bound(added.All.Sum(entry => entry.Token.Content.Length));
        return new TokenizerFile
        {
            Model = Model,
            AddedTokens = new AddedTokenTable(
                [.. added.All.Select(entry => entry.Token with { StatedId = entry.Id })], [], Model.Vocabulary,
                text => Normalized(Normalizer, text, ref room), warnings),
            Normalizer = Normalizer,
            PreTokenizers = PreTokenizers,
            WordsAreBytes = WordsAreBytes,
            PostProcessor = PostProcessor,
            Decoder = Decoder,
            Roles = Roles,
        };
    }

    private static (Dictionary<string, ConfigNode> Sections, ModelSection Model) ReadSections(ReadOnlySpan<byte> json, ref string section)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw TokenizerException.Format("tokenizer.json must be an object.");
        }

        var sections = new Dictionary<string, ConfigNode>();
        var seen = new HashSet<string>();
        ModelSection? model = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = JsonText.String(ref reader, "tokenizer.json");
            section = name;
            if (!seen.Add(name))
            {
                throw TokenizerException.Format($"tokenizer.json holds the section {Excerpt.Of(name)} twice.");
            }

            reader.Read();
            if (name == "model" && reader.TokenType != JsonTokenType.Null)
            {
                model = ModelSection.Read(ref reader, json.Length);
            }
            else if (name is "version" or "added_tokens" or "normalizer" or "pre_tokenizer" or "post_processor" or "decoder" or "padding")
            {
                sections[name] = new ConfigNode(JsonElement.ParseValue(ref reader), name);
            }
            else
            {
                reader.Skip();
            }
        }

        if (reader.Read())
        {
            throw TokenizerException.Format("tokenizer.json goes on after its end.");
        }

        return (sections, model ?? throw TokenizerException.Format($"tokenizer.json has no model{WrongFile.DescribeMembers(seen)}."));
    }

    private static TokenizerFile Assemble(
        Dictionary<string, ConfigNode> sections, ModelSection model, ConfiguredTokens configured, List<string> warnings)
    {
        ConfigNode Section(string name) => sections.TryGetValue(name, out ConfigNode node) ? node : new ConfigNode(default, name);

        ConfigNode Bounded(string name)
        {
            ConfigNode node = Section(name);
            int count = node.Components();
            return count <= MaxComponents
                ? node
                : throw TokenizerException.Unsupported($"{name} has {count} components, and {MaxComponents} are possible.");
        }

        string version = Section("version").String("1.0");
        if (version != "1.0")
        {
            throw TokenizerException.Unsupported(
            $"The version of tokenizer.json is {Excerpt.Of(version)}, and only 1.0 is known.");
        }

        IReadOnlyList<AddedToken> added = AddedTokenReader.Read(Section("added_tokens"));
        Normalizer? normalizer = NormalizerReader.Read(Bounded("normalizer"));
        IReadOnlyList<PreTokenizer> preTokenizers = PreTokenizerReader.Read(Bounded("pre_tokenizer"), out bool wordsAreBytes);
        PostProcessor postProcessor = PostProcessorReader.Read(Bounded("post_processor"));
        TokenDecoder decoder = DecoderReader.Read(Bounded("decoder"));
        TokenModel tokenModel = model.Build(warnings);
        string? padding = Section("padding")["pad_token"].OptionalString();
        IReadOnlyList<AddedToken> toAdd = configured.ToAdd(added, padding, warnings);
        // Hostile normalizers grow a text; what all tokens become stays in proportion to what they are.
        int room = CharBuffer.Bound(added.Concat(toAdd).Sum(token => token.Content.Length));
        var table = new AddedTokenTable(added, toAdd, tokenModel.Vocabulary, text => Normalized(normalizer, text, ref room), warnings);
        foreach ((string token, int id) in postProcessor.Named)
        {
            if (!table.TryGetId(token, out int known) && !tokenModel.Vocabulary.TryGetId(token, out known))
            {
                known = -1;
            }

            if (known == id)
            {
                continue;
            }

            string whose = known < 0 ? "which has no id" : $"whose id is {known}";
            warnings.Add($"post_processor adds the id {id} for {Excerpt.Of(token)}, {whose}; the post-processor's counts.");
        }

        return new TokenizerFile
        {
            Model = tokenModel,
            AddedTokens = table,
            Normalizer = normalizer,
            PreTokenizers = preTokenizers,
            WordsAreBytes = wordsAreBytes,
            PostProcessor = postProcessor,
            Decoder = decoder,
            Roles = configured.Roles(padding),
        };
    }

    private static string Normalized(Normalizer? normalizer, string text, ref int room)
    {
        if (normalizer is null)
        {
            return text;
        }

        var output = new CharBuffer { MaxLength = room };
        normalizer.Normalize(text, output);
        room -= output.Length;
        return output.Span.ToString();
    }
}
