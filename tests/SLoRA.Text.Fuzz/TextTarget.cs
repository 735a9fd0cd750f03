using System.Text;

namespace SLoRA.Text.Fuzz;

/// <summary>
/// Texts, any UTF-16 units at all: one encodes to the same ids twice with any of the fixtures' tokenizers, and their text streams to what it decodes to.
/// </summary>
internal sealed class TextTarget : FuzzTarget
{
    private static readonly string[] Parts =
    [
        "the ", "quick", "brown", "'s", "'LL", " ", "\n", "\r\n", "\t", "  ", "12", "½", "你好", "かな", "😀", "👍🏽", "\u200D", "e\u0301", "é", "ﬁ", "ß", "İ", "\uFFFD", "\0",
        "▁", "<s>", "</s>", "<unk>", "[MASK]", "<|bos|>", "##", "</w>", "@@", "<0x41>", "Ġ", "\uD800", "\uDC00", "𝒜", "\u0915\u093C", "가", "\u1100\u1161",
    ];

    private readonly Tokenizer[] _tokenizers;

    /// <summary>Reads the tokenizers from a folder with synthetic ones.</summary>
    public TextTarget(string folder) => _tokenizers = [.. Fixtures.Whole(folder).Select(json => Tokenizer.FromJson(Encoding.UTF8.GetBytes(json)))];

    public override string Name => "text";

    public override IReadOnlyList<string> Seeds { get; } = [.. MakeSeeds()];

    public override IReadOnlyList<string> Words => Parts;

    public override void Execute(string input, Random random)
    {
        Tokenizer tokenizer = _tokenizers[random.Next(_tokenizers.Length)];
        try
        {
            int[] ids = tokenizer.Encode(input);
            if (!ids.AsSpan().SequenceEqual(tokenizer.Encode(input))) throw new InvalidOperationException("The same text has other ids the second time.");
            string whole = tokenizer.Decode(ids, skipSpecialTokens: true);
            TextStream stream = tokenizer.CreateStream();
            var streamed = new StringBuilder();
            foreach (int id in ids) streamed.Append(stream.Append(id));
            streamed.Append(stream.Finish());
            if (!whole.Contains('\uFFFD') && streamed.ToString() != whole) throw new InvalidOperationException("The pieces do not add up to the text.");
        }
        catch (TokenizerException)
        {
            // A text that the vocabulary cannot express.
        }
    }

    private static IEnumerable<string> MakeSeeds()
    {
        var random = new Random(0);
        for (int i = 0; i < 256; i++) yield return string.Concat(Enumerable.Range(0, 1 + random.Next(12)).Select(_ => Parts[random.Next(Parts.Length)]));
    }
}
