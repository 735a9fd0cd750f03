using System.Runtime.InteropServices;
using System.Text;

namespace SLoRA.Text.Fuzz;

/// <summary>
/// The first byte chooses one of the fixtures' tokenizers, the rest is a text in UTF-16, any units at all: it encodes to the same ids
/// twice, and their text streams to what it decodes to.
/// </summary>
internal sealed class TextTarget : IFuzzTarget
{
    private static readonly string[] Parts =
    [
        "the ", "quick", "brown", "'s", "'LL", " ", "\n", "\r\n", "\t", "  ", "12", "½", "你好", "かな", "😀", "👍🏽", "\u200D", "e\u0301", "é",
        "ﬁ", "ß", "İ", "\uFFFD", "\0",
        "▁", "<s>", "</s>", "<unk>", "[MASK]", "<|bos|>", "##", "</w>", "@@", "<0x41>", "Ġ", "\uD800", "\uDC00", "𝒜", "\u0915\u093C", "가",
        "\u1100\u1161",
    ];

    private readonly ModelTokenizer[] _tokenizers = [.. Fixtures.Whole().Select(json => ModelTokenizer.FromJson(json))];

    public string Name => "text";

    public bool IsJson => false;

    public IReadOnlyList<byte[]> Seeds { get; } = [.. MakeSeeds()];

    public IReadOnlyList<byte[]> Words { get; } = [.. Parts.Select(Encoding.Unicode.GetBytes)];

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
        {
            return;
        }

        ModelTokenizer tokenizer = _tokenizers[input[0] % _tokenizers.Length];
        string text = new(MemoryMarshal.Cast<byte, char>(input[1..]));
        try
        {
            int[] ids = tokenizer.Encode(text);
            if (!ids.AsSpan()
                .SequenceEqual(tokenizer.Encode(text)))
            {
                throw new InvalidOperationException("The same text has other ids the second time.");
            }

            string whole = tokenizer.Decode(ids, skipSpecialTokens: true);
            TextStream stream = tokenizer.CreateStream();
            var streamed = new StringBuilder();
            foreach (int id in ids)
            {
                streamed.Append(stream.Append(id));
            }

            streamed.Append(stream.Finish());
            if (!whole.Contains('\uFFFD')
                && streamed.ToString() != whole)
            {
                throw new InvalidOperationException("The pieces do not add up to the text.");
            }
        }
        catch (TokenizerException)
        {
            // A text that the vocabulary cannot express.
        }
    }

    private static IEnumerable<byte[]> MakeSeeds()
    {
        var random = new Random(0);
        for (int i = 0; i < 256; i++)
        {
            string text = string.Concat(Enumerable.Range(0, 1 + random.Next(12)).Select(_ => Parts[random.Next(Parts.Length)]));
            yield return [(byte)i, .. Encoding.Unicode.GetBytes(text)];
        }
    }
}
