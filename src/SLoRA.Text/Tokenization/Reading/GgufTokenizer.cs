using System.Collections.Immutable;
using System.Text.Json;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>
/// The tokenizer and the chat templates that a GGUF file holds, in the form of a tokenizer.json and a tokenizer_config.json: so the same
/// components run both.
/// </summary>
internal sealed class GgufTokenizer
{
    private const string Prefix = "tokenizer.ggml.";
    private const string TemplateKey = "tokenizer.chat_template";
    private const int Normal = 1;
    private const int Control = 3;
    private const int UserDefined = 4;
    private const int LargestType = 6;

    private readonly GgufFile _file;
    private readonly ImmutableArray<string> _tokens;
    private readonly ImmutableArray<long> _types;

    private GgufTokenizer(GgufFile file)
    {
        _file = file;
        _tokens = file.GetTexts(Prefix + "tokens") ?? throw Missing("tokens");
        _types = file.GetIntegers(Prefix + "token_type") ?? [.. Enumerable.Repeat((long)Normal, _tokens.Length)];
        if (_types.Length != _tokens.Length)
        {
            throw TokenizerException.Format(
                $"{Prefix}token_type has {_types.Length} entries, there are {_tokens.Length} tokens ({Path.GetFileName(file.FilePath)}).");
        }

        if (_types.FirstOrDefault(type => type is < 0 or > LargestType) is not 0 and var unknown)
        {
            throw TokenizerException.Format($"{Prefix}token_type has the unknown type {unknown}.");
        }
    }

    /// <summary>Reads the tokenizer of a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The bytes of a tokenizer.json, and what would stand beside it.</returns>
    /// <exception cref="TokenizerException">The file cannot be read, or has no tokenizer that is served.</exception>
    public static (byte[] Tokenizer, JsonDocument Configuration) Read(string path)
    {
        try
        {
            var file = GgufFile.ReadHeader(path);
            var tokenizer = new GgufTokenizer(file);
            return (tokenizer.WriteTokenizer(), JsonDocument.Parse(tokenizer.WriteConfiguration()));
        }
        catch (ModelLoadException error)
        {
            string code = error.Kind == LoadErrorKind.File ? "tokenizer.file" : "tokenizer.format";
            throw new TokenizerException(code, error.Message, error);
        }
    }

    private byte[] WriteTokenizer()
    {
        string model = _file.GetText(Prefix + "model") ?? throw Missing("model");
        bool isSentencePiece = model switch
        {
            "gpt2" => false,
            "llama" => true,
            _ => throw TokenizerException.Unsupported($"{Prefix}model is {Excerpt.Of(model)}; served are 'gpt2' and 'llama'."),
        };
        GgufPreTokenizer? cutting = isSentencePiece ? null
            : GgufPreTokenizer.Of(_file.GetText(Prefix + "pre") ?? throw Missing("pre"));
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("version", "1.0");
            WriteAdded(writer);
            if (cutting is not null)
            {
                WriteByteLevel(writer, cutting);
            }
            else
            {
                WriteMetaspace(writer);
            }

            WritePostProcessor(writer, isSentencePiece || cutting!.BeginsTexts);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private void WriteAdded(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("added_tokens");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int id = 0; id < _tokens.Length; id++)
        {
            if (_types[id] is Control or UserDefined && _tokens[id].Length > 0 && seen.Add(_tokens[id]))
            {
                writer.WriteStartObject();
                writer.WriteNumber("id", id);
                writer.WriteString("content", _tokens[id]);
                writer.WriteBoolean("special", _types[id] == Control);
                writer.WriteBoolean("normalized", false);
                writer.WriteBoolean("single_word", false);
                writer.WriteBoolean("lstrip", false);
                writer.WriteBoolean("rstrip", false);
                writer.WriteEndObject();
            }
        }

        writer.WriteEndArray();
    }

    private void WriteByteLevel(Utf8JsonWriter writer, GgufPreTokenizer cutting)
    {
        ImmutableArray<string> merges = _file.GetTexts(Prefix + "merges") ?? throw Missing("merges");
        writer.WritePropertyName("normalizer");
        writer.WriteRawValue(cutting.Normalizer);
        writer.WritePropertyName("pre_tokenizer");
        writer.WriteRawValue(cutting.Json);
        writer.WritePropertyName("decoder");
        writer.WriteRawValue("""{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""");
        writer.WriteStartObject("model");
        writer.WriteString("type", "BPE");
        writer.WriteBoolean("ignore_merges", cutting.IgnoresMerges);
        WriteVocabulary(writer);
        writer.WriteStartArray("merges");
        foreach (string merge in merges)
        {
            writer.WriteStringValue(merge);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private void WriteMetaspace(Utf8JsonWriter writer)
    {
        ImmutableArray<double> scores = _file.GetNumbers(Prefix + "scores") ?? throw Missing("scores");
        if (scores.Length != _tokens.Length)
        {
            throw TokenizerException.Format($"{Prefix}scores has {scores.Length} entries, there are {_tokens.Length} tokens.");
        }

        bool addsSpace = _file.GetBoolean(Prefix + "add_space_prefix") ?? true;
        writer.WritePropertyName("normalizer");
        const string Replace = """{"type":"Replace","pattern":{"String":" "},"content":"▁"}""";
        writer.WriteRawValue(addsSpace
            ? $$"""{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{{Replace}}]}"""
            : Replace);
        writer.WriteNull("pre_tokenizer");
        writer.WritePropertyName("decoder");
        const string Back = """{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}""";
        string strip = addsSpace ? """,{"type":"Strip","content":" ","start":1,"stop":0}""" : "";
        writer.WriteRawValue($$"""{"type":"Sequence","decoders":[{{Back}}{{strip}}]}""");
        writer.WriteStartObject("model");
        writer.WriteString("type", "BPE");
        writer.WriteBoolean("byte_fallback", true);
        writer.WriteBoolean("fuse_unk", true);
        if (Token("unknown_token_id") is { } unknown)
        {
            writer.WriteString("unk_token", unknown);
        }

        WriteVocabulary(writer);
        writer.WriteStartArray("merges");
        foreach ((string left, string right) in GgufMerges.Of(_tokens, _types, scores))
        {
            writer.WriteStartArray();
            writer.WriteStringValue(left);
            writer.WriteStringValue(right);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    // A text that two ids have means the first.
    private void WriteVocabulary(Utf8JsonWriter writer)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        writer.WriteStartObject("vocab");
        for (int id = 0; id < _tokens.Length; id++)
        {
            if (seen.Add(_tokens[id]))
            {
                writer.WriteNumber(_tokens[id], id);
            }
        }

        writer.WriteEndObject();
    }

    private void WritePostProcessor(Utf8JsonWriter writer, bool begins)
    {
        (string Name, string Text, long Id)?[] ends =
        [
            _file.GetBoolean(Prefix + "add_bos_token") ?? begins ? Special("bos_token_id") : null,
            _file.GetBoolean(Prefix + "add_eos_token") ?? false ? Special("eos_token_id") : null,
        ];
        if (ends is [null, null])
        {
            writer.WriteNull("post_processor");
            return;
        }

        writer.WriteStartObject("post_processor");
        writer.WriteString("type", "TemplateProcessing");
        WriteTemplate("single", "A");
        WriteTemplate("pair", "A", "B");
        writer.WriteStartObject("special_tokens");
        foreach ((_, string text, long id) in ends.OfType<(string, string, long)>().DistinctBy(token => token.Item2))
        {
            writer.WriteStartObject(text);
            writer.WriteString("id", text);
            writer.WriteStartArray("ids");
            writer.WriteNumberValue(id);
            writer.WriteEndArray();
            writer.WriteStartArray("tokens");
            writer.WriteStringValue(text);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();

        void WriteTemplate(string name, params ReadOnlySpan<string> sequences)
        {
            writer.WriteStartArray(name);
            for (int i = 0; i < sequences.Length; i++)
            {
                WritePiece("SpecialToken", ends[0]?.Text, i);
                WritePiece("Sequence", sequences[i], i);
                WritePiece("SpecialToken", ends[1]?.Text, i);
            }

            writer.WriteEndArray();
        }

        void WritePiece(string kind, string? id, int type)
        {
            if (id is not null)
            {
                writer.WriteStartObject();
                writer.WriteStartObject(kind);
                writer.WriteString("id", id);
                writer.WriteNumber("type_id", type);
                writer.WriteEndObject();
                writer.WriteEndObject();
            }
        }
    }

    private byte[] WriteConfiguration()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            foreach ((string role, string key) in new[]
            {
                ("bos_token", "bos_token_id"), ("eos_token", "eos_token_id"), ("unk_token", "unknown_token_id"),
                ("pad_token", "padding_token_id"),
            })
            {
                if (Token(key) is { } token)
                {
                    writer.WriteString(role, token);
                }
            }

            WriteTemplates(writer);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private void WriteTemplates(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("chat_template");
        foreach (string key in _file.Keys.Order(StringComparer.Ordinal))
        {
            bool isNamed = key.StartsWith(TemplateKey + ".", StringComparison.Ordinal);
            if ((isNamed || key == TemplateKey) && _file.GetText(key) is { } template)
            {
                writer.WriteStartObject();
                writer.WriteString("name", isNamed ? key[(TemplateKey.Length + 1)..] : "default");
                writer.WriteString("template", template);
                writer.WriteEndObject();
            }
        }

        writer.WriteEndArray();
    }

    private string? Token(string key) => Special(key)?.Text;

    private (string Name, string Text, long Id)? Special(string key)
    {
        if (_file.GetInteger(Prefix + key) is not { } id)
        {
            return null;
        }

        return id >= 0 && id < _tokens.Length
            ? (key, _tokens[(int)id], id)
            : throw TokenizerException.Format($"{Prefix}{key} is {id}; there are {_tokens.Length} tokens.");
    }

    private TokenizerException Missing(string key) =>
        TokenizerException.Format($"{Path.GetFileName(_file.FilePath)} has no {Prefix}{key}, so it holds no tokenizer that can be used.");
}
