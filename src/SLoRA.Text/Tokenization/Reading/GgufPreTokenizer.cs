using System.Text.Json;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>
/// How texts are cut into words before merging. A GGUF file has a name for it alone, <c>tokenizer.ggml.pre</c>; an unknown one is refused,
/// because any other expression would give other tokens.
/// </summary>
internal sealed record GgufPreTokenizer
{
    private const string ByteLevel = """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}""";
    private const string Gpt2 = """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}""";

    private const string LlamaWords =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string QwenWords =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string Gpt2Words = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>The pre-tokenizer, as tokenizer.json has it.</summary>
    public required string Json { get; init; }

    /// <summary>The normalizer, as tokenizer.json has it.</summary>
    public string Normalizer { get; init; } = "null";

    /// <summary>Whether a word that is a token is one, whatever merges would make of it.</summary>
    public bool IgnoresMerges { get; init; }

    /// <summary>Whether texts begin with a token of their own where the file does not say.</summary>
    public bool BeginsTexts { get; init; }

    /// <summary>The one of a name.</summary>
    /// <exception cref="TokenizerException">It is not known.</exception>
    public static GgufPreTokenizer Of(string name) => name switch
    {
        "llama-bpe" or "llama3" or "llama-v3" => new GgufPreTokenizer
        {
            Json = Sequence(Split(LlamaWords), ByteLevel),
            IgnoresMerges = true,
            BeginsTexts = true,
        },
        "qwen2" => new GgufPreTokenizer { Json = Sequence(Split(QwenWords), ByteLevel), Normalizer = """{"type":"NFC"}""" },
        "smollm" => new GgufPreTokenizer { Json = Sequence("""{"type":"Digits","individual_digits":true}""", Gpt2) },
        "gpt-2" => new GgufPreTokenizer { Json = Gpt2 },
        "default" => new GgufPreTokenizer
        {
            Json = Sequence(Split(@"[\p{P}\$\+<=>\^~\|]+"), Split(Gpt2Words), Split(@"\p{N}+"), Split("[0-9][0-9][0-9]"), ByteLevel),
        },
        _ => throw TokenizerException.Unsupported($"tokenizer.ggml.pre is {Excerpt.Of(name)}, which names an expression that is not known; "
            + "known are 'llama-bpe', 'qwen2', 'smollm', 'gpt-2' and 'default'."),
    };

    private static string Sequence(params string[] parts) =>
        $$"""{"type":"Sequence","pretokenizers":[{{string.Join(",", parts)}}]}""";

    private static string Split(string expression) =>
        $$"""{"type":"Split","pattern":{"Regex":"{{JsonEncodedText.Encode(expression)}}"},"behavior":"Isolated","invert":false}""";
}
