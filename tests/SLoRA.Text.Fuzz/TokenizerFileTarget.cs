using System.Text;

namespace SLoRA.Text.Fuzz;

/// <summary>The bytes are a tokenizer.json: it loads and then works on a text, or it is refused.</summary>
internal sealed class TokenizerFileTarget : IFuzzTarget
{
    private const string Text = "The quick  brown fox's 12 dogs,\n你好 <s> café 😀 ▁x [MASK]!";

    private static readonly string[] Vocabulary =
    [
        "\"type\":", "\"Sequence\"", "\"BPE\"", "\"Unigram\"", "\"WordPiece\"", "\"WordLevel\"", "\"ByteLevel\"", "\"Metaspace\"",
        "\"Split\"", "\"Regex\":",
        "\"String\":", "\"Replace\"", "\"Strip\"", "\"Prepend\"", "\"NFKC\"", "\"Lowercase\"", "\"BertNormalizer\"", "\"Nmt\"",
        "\"Precompiled\"", "\"Digits\"",
        "\"Punctuation\"", "\"Whitespace\"", "\"UnicodeScripts\"", "\"FixedLength\"", "\"CTC\"", "\"Fuse\"", "\"ByteFallback\"",
        "\"TemplateProcessing\"",
        "null", "true", "false", "{}", "[]", "\"\"", "[", "]", "{", "}", ",", ":", "\\ud800", "\\u0000", "(?i:", "(a*)*", "\\\\p{L}+",
        "[^\\\\s]", "(?<=a)", "\\\\1",
        "\"byte_fallback\":true", "\"ignore_merges\":true", "\"normalized\":true", "\"single_word\":true", "\"lstrip\":true", "\"\":0",
    ];

    public string Name => "tokenizer";

    public bool IsJson => true;

    public IReadOnlyList<byte[]> Seeds { get; } = [.. Fixtures.Small()];

    public IReadOnlyList<byte[]> Words { get; } = [.. Vocabulary.Select(Encoding.UTF8.GetBytes)];

    public void Run(ReadOnlySpan<byte> input)
    {
        try
        {
            ModelTokenizer tokenizer = ModelTokenizer.FromJson(input.ToArray());
            int[] ids = tokenizer.Encode(Text);
            tokenizer.Decode(ids);
            TextStream stream = tokenizer.CreateStream();
            foreach (int id in ids)
            {
                stream.Append(id);
            }

            stream.Finish();
        }
        catch (TokenizerException)
        {
            // Refused by name: what a damaged file is to get.
        }
    }
}
