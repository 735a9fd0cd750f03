using System.Text;

namespace SLoRA.Text.Tests.Tokenization.Reading;

/// <summary>What lies in the place of a tokenizer.json is named.</summary>
public sealed class WrongFileTests
{
    [TestCase("", "empty")]
    [TestCase("<!DOCTYPE html><html><body>Access denied</body></html>", "web page")]
    [TestCase("GGUF\u0003\0\0\0", "GGUF")]
    [TestCase("PK\u0003\u0004....", "archive")]
    [TestCase("\u0040\0\0\0\0\0\0\0{\"a\":{}}", "safetensors")]
    [TestCase("\n\u000e\n\u0005<unk>\u0015\0\0\0\0\u0018\u0002", "SentencePiece")]
    [TestCase("IQ== 0\nIg== 1\n", "tiktoken")]
    [TestCase("""{"tokenizer_class":"LlamaTokenizer"}""", "tokenizer_config.json")]
    [TestCase("""{"architectures":["LlamaForCausalLM"]}""", "config.json of a model")]
    [TestCase("""{"config":{},"vocab":[]}""", "tekken.json")]
    [TestCase("""{"bos_token":"<s>"}""", "special_tokens_map.json")]
    [TestCase("""{"added_tokens":[]}""", "no model")]
    public void Another_file_is_named_as_what_it_is(string content, string expected)
    {
        TokenizerException error = Assert.Throws<TokenizerException>(() => ModelTokenizer.FromJson(Encoding.Latin1.GetBytes(content)))!;
        Assert.That(error.Message, Does.Contain(expected));
        Assert.That(error.Code, Is.EqualTo("tokenizer.format"));
    }

    [Test]
    public void A_vocabulary_alone_is_named()
    {
        string content = $"{{{string.Join(',', Enumerable.Range(0, 300).Select(i => $"\"t{i}\":{i}"))}}}";
        Assert.That(Assert.Throws<TokenizerException>(() => ModelTokenizer.FromJson(Encoding.UTF8.GetBytes(content)))!.Message,
            Does.Contain("vocab.json"));
    }

    [Test]
    public void A_text_in_utf16_is_named()
    {
        Assert.That(Assert.Throws<TokenizerException>(() => ModelTokenizer.FromJson((byte[])[0xFF, 0xFE, (byte)'{', 0]))!.Message,
            Does.Contain("UTF-16"));
    }
}
