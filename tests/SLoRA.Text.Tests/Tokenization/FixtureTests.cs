using System.Text;
using System.Text.Json;

namespace SLoRA.Text.Tests.Tokenization;

/// <summary>Every case of every tokenizer fixture, as Hugging Face tokenizers computed it.</summary>
public sealed class FixtureTests
{
    public static IEnumerable<TestCaseData> Texts() => TokenizerFixture.Cases("cases");

    public static IEnumerable<TestCaseData> Pairs() => TokenizerFixture.Cases("pairs");

    public static IEnumerable<TestCaseData> Decodes() => TokenizerFixture.Cases("decode");

    public static IEnumerable<TestCaseData> Streams() => TokenizerFixture.Cases("streaming");

    [TestCaseSource(nameof(Texts))]
    public void A_text_encodes_and_decodes_as_the_oracle_does(object fixture, int index)
    {
        var source = (TokenizerFixture)fixture;
        ModelTokenizer tokenizer = source.Tokenizer();
        JsonElement item = source.Item("cases", index);
        string text = item.GetProperty("text").GetString()!;
        int[] withSpecial = Ids(item, "ids_with_special");
        if (item.TryGetProperty("pre_tokens", out JsonElement pieces))
        {
            Assert.That(tokenizer.Words(text), Is.EqualTo(pieces.EnumerateArray().Select(p => p[0].GetString())), "pre-tokens");
        }

        Assert.That(tokenizer.Encode(text, addSpecialTokens: false), Is.EqualTo(Ids(item, "ids")), "ids");
        Assert.That(tokenizer.Encode(text), Is.EqualTo(withSpecial), "ids with special tokens");
        AssertText(tokenizer.Decode(withSpecial), item.GetProperty("decoded"));
        AssertText(tokenizer.Decode(withSpecial, skipSpecialTokens: true), item.GetProperty("decoded_skip_special"));
    }

    [TestCaseSource(nameof(Pairs))]
    public void A_pair_is_joined_as_the_oracle_does(object fixture, int index)
    {
        var source = (TokenizerFixture)fixture;
        JsonElement item = source.Item("pairs", index);
        (int[] ids, int[] types, bool[] added) =
            source.Tokenizer().EncodePair(item.GetProperty("text").GetString()!, item.GetProperty("pair").GetString()!);
        Assert.That(ids, Is.EqualTo(Ids(item, "ids_with_special")));
        Assert.That(types, Is.EqualTo(Ids(item, "type_ids")));
        Assert.That(added.Select(a => a ? 1 : 0), Is.EqualTo(Ids(item, "special_mask")));
    }

    [TestCaseSource(nameof(Decodes))]
    public void Ids_decode_as_the_oracle_does(object fixture, int index)
    {
        var source = (TokenizerFixture)fixture;
        JsonElement item = source.Item("decode", index);
        AssertText(source.Tokenizer().Decode(Ids(item, "ids"), item.GetProperty("skip_special").GetBoolean()), item.GetProperty("text"));
    }

    [TestCaseSource(nameof(Streams))]
    public void Ids_stream_in_the_pieces_that_are_certain(object fixture, int index)
    {
        var source = (TokenizerFixture)fixture;
        JsonElement item = source.Item("streaming", index);
        int[] context = item.TryGetProperty("context", out _) ? Ids(item, "context") : [];
        TextStream stream = source.Tokenizer().CreateStream(context, item.GetProperty("skip_special").GetBoolean());
        var pieces = new List<string>();
        foreach (int id in Ids(item, "ids"))
        {
            pieces.Add(stream.Append(id).ToString());
        }

        string end = stream.Finish().ToString();
        if (item.TryGetProperty("accept", out JsonElement accept))
        {
            string whole = string.Concat(pieces) + end;
            Assert.That(accept.EnumerateArray().Select(a => a.GetString()), Has.Member(whole));
            return;
        }

        Assert.That(pieces, Is.EqualTo(item.GetProperty("pieces").EnumerateArray().Select(p => p.GetString())));
        Assert.That(end, Is.EqualTo(item.GetProperty("end").GetString()));
    }

    [Test]
    public void The_size_of_every_vocabulary_is_the_oracles()
    {
        Assert.Multiple(() =>
        {
            foreach (TokenizerFixture fixture in TokenizerFixture.Present)
            {
                Assert.That(
                    fixture.Tokenizer().VocabularySize, Is.EqualTo(fixture.Root.GetProperty("vocab_size").GetInt32()), fixture.ToString());
            }
        });
    }

    private static int[] Ids(JsonElement item, string name) => item.GetProperty(name).Deserialize<int[]>()!;

    // Null marks what the oracle itself fails at; then not to fail is all that is asked.
    private static void AssertText(string actual, JsonElement expected)
    {
        if (expected.ValueKind != JsonValueKind.Null)
        {
            Assert.That(Escaped(actual), Is.EqualTo(Escaped(expected.GetString()!)));
        }
    }

    private static string Escaped(string text)
    {
        var result = new StringBuilder();
        foreach (char c in text)
        {
            result.Append(c is >= ' ' and < '\x7F' ? c.ToString() : $"\\u{(int)c:X4}");
        }

        return result.ToString();
    }
}
