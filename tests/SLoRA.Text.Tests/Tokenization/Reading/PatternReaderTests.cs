using System.Text;

namespace SLoRA.Text.Tests.Tokenization.Reading;

/// <summary>Errors of a tokenizer.json name the field.</summary>
public sealed class PatternReaderTests
{
    [TestCase("""{"String":"a","Regex":"b"}""", "pre_tokenizer.pattern must be an object with either String or Regex")]
    [TestCase("{}", "pre_tokenizer.pattern must be an object with either String or Regex")]
    [TestCase("\"a\"", "pre_tokenizer.pattern")]
    [TestCase("""{"Regex":"(a"}""", "pre_tokenizer.pattern.Regex: The expression '(a' has an unclosed group")]
    [TestCase("""{"Regex":5}""", "pre_tokenizer.pattern.Regex must be a string")]
    [TestCase("""{"Regex":"\\X"}""", "pre_tokenizer.pattern.Regex")]
    public void A_pattern_is_a_text_or_an_expression_and_an_error_names_its_place(string pattern, string expected)
    {
        Refused($$"""{"pre_tokenizer":{"type":"Split","pattern":{{pattern}},"behavior":"Isolated"},"model":{"type":"BPE","vocab":{"a":0}"""
            + $$""","merges":[]} }""", expected);
    }

    [TestCase("""["a c"]""", "model.merges[0] names 'c'")]
    [TestCase("""["a a","ab"]""", "model.merges[1]")]
    [TestCase("""[["a","a"],"a a"]""", "model.merges[1]")]
    [TestCase("""[["a"]]""", "model.merges[0]")]
    [TestCase("""[5]""", "model.merges[0]")]
    [TestCase("""5""", "model.merges")]
    public void An_error_of_a_merge_names_the_merge(string merges, string expected)
    {
        Refused($$"""{"model":{"type":"BPE","vocab":{"a":0,"aa":1},"merges":{{merges}} } }""", expected);
    }

    [Test]
    public void An_error_of_the_json_names_the_section()
    {
        Refused("""{"version":"1.0","model":{"type":"BPE","vocab":{"a":0},"merges":[x""", "in 'model'");
    }

    [Test]
    public void A_replacement_behind_fused_tokens_takes_any_expression()
    {
        // GPT-2's own, which has a written-out matcher for cutting words.
        string words = @"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
        ModelTokenizer tokenizer = ModelTokenizer.FromJson(Encoding.UTF8.GetBytes(
            $$"""{"decoder":{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Replace","pattern":{"Regex":"{{words}}"}"""
            + $$""","content":"-"}]},"model":{"type":"BPE","vocab":{"a":0," ":1},"merges":[]} }"""));
        Assert.That(tokenizer.Decode([0, 1, 0]), Is.EqualTo("--"));
    }

    private static void Refused(string json, string expected)
    {
        TokenizerException error = Assert.Throws<TokenizerException>(() => ModelTokenizer.FromJson(Encoding.UTF8.GetBytes(json)))!;
        Assert.That(error.Message, Does.Contain(expected));
    }
}
