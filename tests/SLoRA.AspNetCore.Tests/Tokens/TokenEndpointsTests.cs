using System.Net;
using System.Text.Json.Nodes;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Tests.Tokens;

public sealed class TokenEndpointsTests
{
    private Site _site = null!;

    [OneTimeSetUp]
    public async Task Start() => _site = await Site.StartAsync();

    [OneTimeTearDown]
    public async Task Stop() => await _site.DisposeAsync();

    [Test]
    public async Task A_text_goes_to_ids_and_back()
    {
        (_, JsonNode there) = await _site.PostAsync(
            "/tokenize", """{"model": "bakery", "prompt": "Good bread!", "return_token_strs": true}""");
        (_, JsonNode back) = await _site.PostAsync("/detokenize", $$"""{"tokens": {{there["tokens"]!.ToJsonString()}}}""");
        int[] ids = Demo.Tokenizer.Encode("Good bread!");
        Assert.Multiple(() =>
        {
            Assert.That(there["tokens"]!.AsArray().Select(id => (int)id!), Is.EqualTo(ids));
            Assert.That((int?)there["count"], Is.EqualTo(ids.Length));
            Assert.That(there["token_strs"]!.AsArray(), Has.Count.EqualTo(ids.Length));
            Assert.That((string?)back["prompt"], Is.EqualTo("Good bread!"));
        });
    }

    [Test]
    public async Task A_conversation_has_the_ids_that_the_model_would_be_asked()
    {
        (_, JsonNode answer) = await _site.PostAsync("/tokenize", """{"messages": [{"role": "user", "content": "Hi"}]}""");
        Assert.That(
            answer["tokens"]!.AsArray().Select(id => (int)id!), Is.EqualTo(Demo.Tokenizer.EncodeChat([new TemplateMessage("user", "Hi")])));
    }

    [TestCase("/tokenize", "{}", HttpStatusCode.BadRequest)]
    [TestCase("/tokenize", """{"prompt": "x", "model": "nobody"}""", HttpStatusCode.NotFound)]
    [TestCase("/detokenize", """{"tokens": [99999]}""", HttpStatusCode.BadRequest)]
    [TestCase("/detokenize", """{"tokens": ["x"]}""", HttpStatusCode.BadRequest)]
    [TestCase("/detokenize", """{"tokens": 7}""", HttpStatusCode.BadRequest)]
    public async Task What_is_none_is_refused(string path, string body, HttpStatusCode expected)
    {
        (HttpStatusCode status, _) = await _site.PostAsync(path, body);
        Assert.That(status, Is.EqualTo(expected));
    }
}
