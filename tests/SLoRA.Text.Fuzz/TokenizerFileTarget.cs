using System.Text;

namespace SLoRA.Text.Fuzz;

/// <summary>
/// Files: one loads and then works on a text, or it is refused. Half of the executions run the input, some with bytes changed that make it
/// no UTF-8; the others change the tree of a file, so that it stays JSON.
/// </summary>
internal sealed class TokenizerFileTarget : FuzzTarget
{
    private const string Text = "The quick  brown fox's 12 dogs,\n你好 <s> café 😀 ▁x [MASK]!";

    private static readonly string[] Vocabulary =
    [
        "\"type\":", "\"Sequence\"", "\"BPE\"", "\"Unigram\"", "\"WordPiece\"", "\"WordLevel\"", "\"ByteLevel\"", "\"Metaspace\"", "\"Split\"", "\"Regex\":",
        "\"String\":", "\"Replace\"", "\"Strip\"", "\"Prepend\"", "\"NFKC\"", "\"Lowercase\"", "\"BertNormalizer\"", "\"Nmt\"", "\"Precompiled\"", "\"Digits\"",
        "\"Punctuation\"", "\"Whitespace\"", "\"UnicodeScripts\"", "\"FixedLength\"", "\"CTC\"", "\"Fuse\"", "\"ByteFallback\"", "\"TemplateProcessing\"",
        "null", "true", "false", "{}", "[]", "\"\"", "[", "]", "{", "}", ",", ":", "\\ud800", "\\u0000", "(?i:", "(a*)*", "\\\\p{L}+", "[^\\\\s]", "(?<=a)", "\\\\1",
        "\"byte_fallback\":true", "\"ignore_merges\":true", "\"normalized\":true", "\"single_word\":true", "\"lstrip\":true", "\"\":0",
    ];

    private readonly List<string> _seeds;
    private readonly JsonMutator _trees;

    /// <summary>Reads the seeds from a folder with synthetic and broken tokenizers.</summary>
    public TokenizerFileTarget(string folder)
    {
        _seeds = [.. Fixtures.Small(folder)];
        _trees = new JsonMutator(_seeds);
    }

    public override string Name => "tokenizer";

    public override IReadOnlyList<string> Seeds => _seeds;

    public override IReadOnlyList<string> Words => Vocabulary;

    public override void Execute(string input, Random random)
    {
        byte[] json = Encoding.UTF8.GetBytes(random.Next(2) == 0 ? input : _trees.Next(random));
        for (int i = random.Next(8) == 0 ? 3 : 0; i > 0 && json.Length > 0; i--) json[random.Next(json.Length)] ^= (byte)(1 << random.Next(8));
        try
        {
            Tokenizer tokenizer = Tokenizer.FromJson(json);
            int[] ids = tokenizer.Encode(Text);
            tokenizer.Decode(ids);
            TextStream stream = tokenizer.CreateStream();
            foreach (int id in ids) stream.Append(id);
            stream.Finish();
        }
        catch (TokenizerException)
        {
            // Refused by name: what a damaged file is to get.
        }
    }
}
