using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using SLoRA.Text.Tokenization.Models;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>
/// The section <c>model</c>. Vocabulary and merges, which are nearly all of a file, are read straight from the bytes; the few options
/// beside them become nodes.
/// </summary>
internal sealed class ModelSection
{
    private const int MaxAffix = 32;

    private readonly Dictionary<string, ConfigNode> _options = [];
    private Vocabulary? _vocabulary;
    private List<double>? _scores;
    private MergeSection? _merges;

    private ConfigNode this[string name] =>
        _options.TryGetValue(name, out ConfigNode node) ? node : new ConfigNode(default, $"model.{name}");

    /// <summary>Reads the object that the reader stands at.</summary>
    public static ModelSection Read(ref Utf8JsonReader reader, int fileLength)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw TokenizerException.Format("model must be an object.");
        }

        var section = new ModelSection();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = JsonText.String(ref reader, "model");
            reader.Read();
            switch (name)
            {
                case "vocab" when section._vocabulary is not null:
                case "merges" when section._merges is not null:
                    throw TokenizerException.Format($"model.{name} is there twice.");
                case "vocab":
                    section.ReadVocabulary(ref reader, fileLength);
                    break;
                case "merges":
                    section._merges = MergeSection.Read(ref reader, fileLength);
                    break;
                default:
                    section._options[name] = new ConfigNode(JsonElement.ParseValue(ref reader), $"model.{name}");
                    break;
            }
        }

        return section;
    }

    /// <summary>Makes the model.</summary>
    public TokenModel Build(List<string> warnings)
    {
        string type = this["type"].OptionalString() ?? InferType();
        if (type is not ("BPE" or "Unigram" or "WordPiece" or "WordLevel"))
        {
            throw TokenizerException.Unsupported($"model.type is {Excerpt.Of(type)}, which is not implemented.");
        }

        if (_vocabulary is null)
        {
            throw TokenizerException.Format("model.vocab is missing.");
        }

        if ((type == "Unigram") != (_scores is not null))
        {
            throw TokenizerException.Format(
                $"model.vocab has the wrong form for {type}: Unigram has a list of pairs, the others an object.");
        }

        if (_vocabulary.Seal() is int shared)
        {
            throw TokenizerException.Format($"model.vocab gives the id {shared} to two tokens.");
        }

        return type switch
        {
            "BPE" => BuildBpe(_vocabulary, warnings),
            "Unigram" => BuildUnigram(_vocabulary, _scores!),
            "WordPiece" => new WordPieceModel(
                _vocabulary,
                this["unk_token"].String("[UNK]"),
                this["continuing_subword_prefix"].String("##"),
                this["max_input_chars_per_word"].Int(100)),
            _ => new WordLevelModel(_vocabulary, this["unk_token"].String("<unk>")),
        };
    }

    private UnigramModel BuildUnigram(Vocabulary vocabulary, List<double> scores)
    {
        int? unknown = this["unk_id"].IsNull ? null : this["unk_id"].Int(0);
        if (unknown >= scores.Count)
        {
            throw TokenizerException.Format($"model.unk_id is {unknown}, and the vocabulary has {scores.Count} tokens.");
        }

        return new UnigramModel(vocabulary, [.. scores], unknown, this["byte_fallback"].Bool(false));
    }

    // Files from before the type was written.
    private string InferType()
    {
        if (_merges is not null)
        {
            return "BPE";
        }

        if (_scores is not null)
        {
            return "Unigram";
        }

        return this["continuing_subword_prefix"].IsNull && this["max_input_chars_per_word"].IsNull ? "WordLevel" : "WordPiece";
    }

    private BpeModel BuildBpe(Vocabulary vocabulary, List<string> warnings)
    {
        if (this["dropout"].OptionalDouble() is double dropout)
        {
            if (dropout is not (>= 0 and <= 1))
            {
                throw this["dropout"].Wrong("a number from 0 to 1, as a dropout is");
            }

            if (dropout > 0)
            {
                warnings.Add($"model.dropout is {dropout}; encoding is done without, so that it is not random.");
            }
        }

        string? prefix = Affix("continuing_subword_prefix");
        string? suffix = Affix("end_of_word_suffix");
        var options = new BpeOptions
        {
            UnknownToken = this["unk_token"].OptionalString(),
            ContinuingPrefix = prefix,
            EndOfWordSuffix = suffix,
            FuseUnknown = this["fuse_unk"].Bool(false),
            ByteFallback = this["byte_fallback"].Bool(false),
            IgnoreMerges = this["ignore_merges"].Bool(false),
        };
        MergeSection merges = _merges ?? throw TokenizerException.Format("model.merges is missing.");
        int unknown = options.UnknownToken is not null && vocabulary.TryGetId(options.UnknownToken, out int id) ? id : -1;
        MergeTable table = merges.Resolve(
            vocabulary, Encoding.UTF8.GetBytes(options.ContinuingPrefix ?? ""), unknown, warnings, out bool[]? joinsMetaspace);
        return new BpeModel(vocabulary, table, options, joinsMetaspace);
    }

    // An empty affix is none. Every character of a text carries one, byte by byte where it is unknown.
    private string? Affix(string name)
    {
        string affix = this[name].String("");
        if (affix.Length > MaxAffix)
        {
            throw TokenizerException.Unsupported(
            $"model.{name} has {affix.Length} characters, and {MaxAffix} are possible.");
        }

        return affix.Length == 0 ? null : affix;
    }

    // Optimized at once: this and what it calls run once, over hundreds of thousands of entries.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadVocabulary(ref Utf8JsonReader reader, int fileLength)
    {
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            ReadScoredVocabulary(ref reader);
            return;
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw TokenizerException.Format(
            "model.vocab must be an object, or a list for Unigram.");
        }

        // A vocabulary is about half of its file, an entry about twenty bytes.
        _vocabulary = new Vocabulary(Math.Min(fileLength / 64, 200_000), Math.Min(fileLength / 8, 4_000_000));
        byte[] scratch = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // The name stays readable while the reader moves on to the number: it lies in the file or in the scratch.
            ReadOnlySpan<byte> token = JsonText.Utf8(ref reader, ref scratch, "model.vocab");
            reader.Read();
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int id) || id < 0)
            {
                throw TokenizerException.Format($"model.vocab: the id of {Excerpt.Of(token)} must be a whole number from 0 to 2147483647.");
            }

            if (!_vocabulary.Add(token, id))
            {
                throw TokenizerException.Format($"model.vocab holds {Excerpt.Of(token)} twice.");
            }
        }
    }

    private void ReadScoredVocabulary(ref Utf8JsonReader reader)
    {
        _vocabulary = new Vocabulary(1024, 8192);
        _scores = [];
        byte[] scratch = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            string place = $"model.vocab[{_scores.Count}]";
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                throw TokenizerException.Format(
                $"{place} must be a pair of token and score.");
            }

            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw TokenizerException.Format($"{place} must start with a token.");
            }

            ReadOnlySpan<byte> token = JsonText.Utf8(ref reader, ref scratch, place);
            reader.Read();
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetDouble(out double score) || !double.IsFinite(score))
            {
                throw TokenizerException.Format($"{place}: the score of {Excerpt.Of(token)} must be a number.");
            }

            // A token may be listed again: its last place is its id, all of its places decode to it.
            _vocabulary.Add(token, _scores.Count);
            _scores.Add(score);
            reader.Read();
            if (reader.TokenType != JsonTokenType.EndArray)
            {
                throw TokenizerException.Format($"{place} must be a pair of token and score.");
            }
        }
    }
}
