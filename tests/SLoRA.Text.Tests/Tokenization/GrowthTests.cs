using System.Text;

namespace SLoRA.Text.Tests.Tokenization;

/// <summary>A small file and a short text never take memory out of proportion: what grows ends in an error of its own, early.</summary>
public sealed class GrowthTests
{
    private const long MaxAllocated = 48 << 20;
    private const string Model = """ "model":{"type":"BPE","unk_token":"u","vocab":{"u":0,"a":1},"merges":[]} """;

    private const string Doubling = """{"type":"Replace","pattern":{"String":"a"},"content":"aa"}""";
    private const string ByteLevel = """{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""";

    [TestCase(26)]
    [TestCase(60)]
    public void A_chain_of_byte_level_pre_tokenizers_is_bounded(int stages)
    {
        Bounded(
            $$"""{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{{Repeat(ByteLevel, stages)}}]},{{Model}}}""", "ééé", mustFail: true);
    }

    [Test]
    public void A_chain_of_normalizers_that_double_a_text_is_bounded()
    {
        Bounded($$"""{"normalizer":{"type":"Sequence","normalizers":[{{Repeat(Doubling, 40)}}]},{{Model}}}""", "a", mustFail: true);
    }

    [Test]
    public void Normalizers_are_bounded_too_where_only_the_start_of_a_text_is_looked_at()
    {
        string metaspace = """{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}""";
        Bounded($$"""{"normalizer":{"type":"Sequence","normalizers":[{{Repeat(Doubling, 40)}}]},"pre_tokenizer":{{metaspace}},{{Model}}}""",
            "a", mustFail: true);
    }

    [Test]
    public void Added_tokens_that_normalizers_make_long_are_bounded_together()
    {
        string added = string.Join(',', Enumerable.Range(0, 30).Select(i => $$"""{"id":{{i + 2}},"content":"a{{i}}","normalized":true}"""));
        Bounded($$"""{"added_tokens":[{{added}}],"normalizer":{"type":"Sequence","normalizers":[{{Repeat(Doubling, 15)}}]},{{Model}}}""",
            "b", mustFail: true);
    }

    [Test]
    public void A_chain_of_decoders_that_double_a_token_is_bounded()
    {
        Bounded($$"""{"decoder":{"type":"Sequence","decoders":[{{Repeat(Doubling, 40)}}]},{{Model}}}""", "a", mustFail: true);
    }

    [Test]
    public void Many_short_expressions_with_large_repeats_are_bounded()
    {
        string split = """{"type":"Split","pattern":{"Regex":"(?:a|b){1000}"},"behavior":"Isolated","invert":false}""";
        Bounded($$"""{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{{Repeat(split, 40)}}]},{{Model}}}""", "ab", mustFail: false);
    }

    [Test]
    public void More_components_than_any_real_file_has_are_refused()
    {
        Bounded($$"""{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{{Repeat(ByteLevel, 2000)}}]},{{Model}}}""", "a", mustFail: true);
    }

    [Test]
    public void An_affix_that_every_character_would_carry_is_bounded()
    {
        string affix = new('x', 100_000);
        Bounded(
            $$"""{"model":{"type":"BPE","continuing_subword_prefix":"{{affix}}","byte_fallback":true,"vocab":{"<0x78>":0},"merges":[]} }""",
            "aaaa", mustFail: true);
    }

    [Test]
    public void Bytes_of_affixes_find_room_behind_any_word()
    {
        string bytes = string.Join(',', Enumerable.Range(0, 256).Select(value => $"\"<0x{value:X2}>\":{value}"));
        ModelTokenizer tokenizer = ModelTokenizer.FromJson(Encoding.UTF8.GetBytes(
            $$"""{"model":{"type":"BPE","continuing_subword_prefix":"{{new string('x', 32)}}","byte_fallback":true,"merges":[],"vocab":{ """
            + $$"""{{bytes}} } } }"""));
        Assert.That(tokenizer.Encode(new string('é', 1000)), Has.Length.EqualTo(2 + (999 * 34)));
    }

    private static string Repeat(string part, int count) => string.Join(',', Enumerable.Repeat(part, count));

    private static void Bounded(string json, string text, bool mustFail)
    {
        byte[] file = Encoding.UTF8.GetBytes(json);
        // The tables of Unicode are made once per process.
        ModelTokenizer.FromJson(Encoding.UTF8.GetBytes($"{{{Model}}}")).Encode("a");
        long before = GC.GetAllocatedBytesForCurrentThread();
        TokenizerException? error = null;
        try
        {
            ModelTokenizer tokenizer = ModelTokenizer.FromJson(file);
            tokenizer.Decode([1, .. tokenizer.Encode(text)]);
        }
        catch (TokenizerException e)
        {
            error = e;
        }

        Assert.Multiple(() =>
        {
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(MaxAllocated + (200L * file.Length)));
            if (mustFail)
            {
                Assert.That(error?.Message, Has.Length.LessThan(400));
            }

            if (mustFail)
            {
                Assert.That(error?.Code, Is.EqualTo("tokenizer.limit").Or.EqualTo("tokenizer.unsupported"));
            }
        });
    }
}
