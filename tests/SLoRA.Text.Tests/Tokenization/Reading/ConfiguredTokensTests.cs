using System.Text.Json;
using System.Text.Json.Nodes;

namespace SLoRA.Text.Tests.Tokenization.Reading;

/// <summary>
/// Tokens that only the files beside tokenizer.json name. The expected values of the folders are those of transformers 5.23; the other
/// cases follow its rules of precedence.
/// </summary>
public sealed class ConfiguredTokensTests
{
    private const string Model = """ "model":{"type":"BPE","merges":[],"vocab":{"a":0,"b":1,"<":2,"x":3,">":4,"<x>":5,"<y>":6,"/":7}} """;

    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("slora-tokens-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void A_token_that_only_a_role_names_is_found_in_a_conversation()
    {
        string folder = Folder("added-token-only-in-config");
        using JsonDocument expected = Expected(folder);
        JsonNode messages = JsonNode.Parse(expected.RootElement.GetProperty("messages").GetRawText())!;
        Assert.That(ModelTokenizer.Load(folder)
            .EncodeChatJson(messages), Is.EqualTo(expected.RootElement.GetProperty("ids").Deserialize<int[]>()));
    }

    [TestCase("on")]
    [TestCase("off")]
    public void The_post_processor_decides_what_is_added_and_a_flag_against_it_is_reported(string name)
    {
        string folder = Folder("bos-eos-flags");
        using JsonDocument expected = Expected(folder);
        ModelTokenizer tokenizer = ModelTokenizer.Load(Path.Combine(folder, name));
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.Encode("hi"), Is.EqualTo(expected.RootElement.GetProperty(name).Deserialize<int[]>()));
            Assert.That(tokenizer.Warnings, Has.Count.EqualTo(1));
            Assert.That(tokenizer.Warnings[0], Does.Contain(name == "on"
                ? "add_bos_token: true"
                : "add_bos_token: false").And.Contain("'<s>'").And.Contain("post-processor decides"));
        });
    }

    [Test]
    public void The_map_of_special_tokens_counts_where_the_configuration_has_no_decoder()
    {
        string folder = Folder("special-tokens-map");
        using JsonDocument expected = Expected(folder);
        ModelTokenizer with = ModelTokenizer.Load(folder);
        foreach (string file in (string[])["tokenizer.json", "special_tokens_map.json"])
        {
            File.Copy(
            Path.Combine(folder, file), Path.Combine(_folder, file));
        }

        var config = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "tokenizer_config.json")))!;
        config.Remove("added_tokens_decoder");
        Write("tokenizer_config.json", config.ToJsonString());
        ModelTokenizer without = ModelTokenizer.Load(_folder);
        Assert.Multiple(() =>
        {
            Assert.That(with.RenderChatJson(new JsonArray()), Is.EqualTo(expected.RootElement.GetProperty("text").GetString()));
            Assert.That(
                without.RenderChatJson(new JsonArray()), Is.EqualTo(expected.RootElement.GetProperty("text_without_decoder").GetString()));
            Assert.That(with.Warnings, Has.Some.Contains(
                "eos_token is '</s>' in tokenizer_config.json and '<e>' in special_tokens_map.json; tokenizer_config.json"));
            Assert.That(without.Warnings, Has.Some.Contains(
                "eos_token is '</s>' in tokenizer_config.json and '<e>' in special_tokens_map.json; special_tokens_map.json counts"));
        });
    }

    [TestCase("""{"eos_token":"<x>"}""")]
    [TestCase("""{"eos_token":{"__type":"AddedToken","content":"<x>","normalized":false}}""")]
    [TestCase("""{"image_token":"<x>"}""")]
    [TestCase("""{"extra_special_tokens":["<x>"]}""")]
    [TestCase("""{"extra_special_tokens":{"image_token":"<x>"}}""")]
    [TestCase("""{"additional_special_tokens":["<x>"]}""")]
    [TestCase("""{"added_tokens_decoder":{"5":{"content":"<x>","normalized":false,"special":true}}}""")]
    public void A_token_that_the_configuration_names_is_found_and_special(string config)
    {
        Write("tokenizer.json", $"{{{Model}}}");
        Write("tokenizer_config.json", config);
        ModelTokenizer tokenizer = ModelTokenizer.Load(_folder);
        int[] ids = tokenizer.Encode("a<x>b");
        Assert.Multiple(() =>
        {
            Assert.That(ids, Is.EqualTo(new[] { 0, 5, 1 }));
            Assert.That(tokenizer.Decode(ids, skipSpecialTokens: true), Does.Not.Contain("<x>"));
            Assert.That(tokenizer.Warnings, Is.Empty);
        });
    }

    [TestCase("""{"pad_token":"<x>"}""", 5)]
    [TestCase("""{"additional_special_tokens":["<x>"]}""", 5)]
    [TestCase("""{"extra_special_tokens":["<x>"]}""", 5)]
    public void A_token_that_only_the_map_names_is_found(string map, int id)
    {
        Write("tokenizer.json", $"{{{Model}}}");
        Write("tokenizer_config.json", "{}");
        Write("special_tokens_map.json", map);
        Assert.That(ModelTokenizer.Load(_folder).Encode("<x>"), Is.EqualTo(new[] { id }));
    }

    [Test]
    public void Added_tokens_of_the_oldest_folders_are_found()
    {
        Write("tokenizer.json", $"{{{Model}}}");
        Write("added_tokens.json", """{"<y>":6,"<new>":8}""");
        Assert.That(ModelTokenizer.Load(_folder).Encode("<y><new>"), Is.EqualTo(new[] { 6, 8 }));
    }

    [Test]
    public void A_token_of_a_role_is_special_whatever_tokenizer_json_says()
    {
        Write("tokenizer.json", $$"""{"added_tokens":[{"id":5,"content":"<x>","special":false,"normalized":false}],{{Model}}}""");
        Write("tokenizer_config.json", """{"eos_token":"<x>"}""");
        ModelTokenizer tokenizer = ModelTokenizer.Load(_folder);
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.Decode([0, 5], skipSpecialTokens: true), Is.EqualTo("a"));
            Assert.That(tokenizer.Warnings.Single(),
                Does.Contain("special: false in tokenizer.json").And.Contain("special: true in eos_token of tokenizer_config.json"));
        });
    }

    [Test]
    public void Tokens_that_are_new_get_the_next_ids_in_the_order_of_the_files_and_are_reported()
    {
        Write("tokenizer.json", $$"""{"added_tokens":[{"id":8,"content":"<f>","special":true}],{{Model}}}""");
        Write("tokenizer_config.json", """
            {"extra_special_tokens":["<extra>"],"pad_token":"<pad>","bos_token":"<bos>",
             "added_tokens_decoder":{"20":{"content":"<late>"},"9":{"content":"<early>","special":true}}}
            """);
        ModelTokenizer tokenizer = ModelTokenizer.Load(_folder);
        Assert.Multiple(() =>
        {
            Assert.That(((string[])["<f>", "<early>", "<late>", "<bos>", "<pad>", "<extra>"])
                .Select(token => tokenizer.TokenToId(token)), Is.EqualTo(new[] { 8, 9, 10, 11, 12, 13 }));
            Assert.That(tokenizer.VocabularySize, Is.EqualTo(14));
            Assert.That(tokenizer.Warnings, Has.Some.Contains("'<late>' states id 20 in tokenizer_config.json; its id is 10"));
            Assert.That(tokenizer.Warnings,
                Has.Some.Contains("pad_token of tokenizer_config.json names '<pad>', which tokenizer.json lacks: its id is 12"));
        });
    }

    [Test]
    public void The_padding_of_tokenizer_json_names_the_pad_token_where_no_other_file_does()
    {
        Write("tokenizer.json", $$"""{"padding":{"strategy":"BatchLongest","pad_token":"<y>","pad_id":6},{{Model}}}""");
        Assert.That(ModelTokenizer.Load(_folder).PadTokenId, Is.EqualTo(6));
        Write("tokenizer_config.json", """{"pad_token":null}""");
        Assert.That(ModelTokenizer.Load(_folder).PadTokenId, Is.Null);
    }

    [Test]
    public void Many_other_flags_are_counted()
    {
        string[] names = [.. Enumerable.Range(0, 30).Select(i => $"<t{i}>")];
        string added =
            string.Join(',', names.Select((name, i) => $$"""{"id":{{i + 8}},"content":"{{name}}","special":true,"normalized":true}"""));
        string decoder =
            string.Join(',', names.Select((name, i) => $"\"{i + 8}\":{{\"content\":\"{name}\",\"special\":true,\"normalized\":false}}"));
        Write("tokenizer.json", $$"""{"added_tokens":[{{added}}],{{Model}}}""");
        Write("tokenizer_config.json", "{\"added_tokens_decoder\":{" + decoder + "}}");
        IReadOnlyList<string> warnings = ModelTokenizer.Load(_folder).Warnings;
        Assert.Multiple(() =>
        {
            Assert.That(warnings, Has.Count.EqualTo(9));
            Assert.That(
                warnings[0], Does.Contain("normalized: true in tokenizer.json").And.Contain("normalized: false in tokenizer_config.json"));
            Assert.That(warnings[^1], Does.StartWith("22 more"));
        });
    }

    [TestCase("""{"added_tokens_decoder":{"five":{"content":"<x>"}}}""", "added_tokens_decoder.five")]
    [TestCase("""{"added_tokens_decoder":{"5":{"special":true}}}""", "added_tokens_decoder.5.content")]
    [TestCase("""{"extra_special_tokens":[5]}""", "extra_special_tokens[0]")]
    [TestCase("""{"extra_special_tokens":"<x>"}""", "extra_special_tokens")]
    public void What_cannot_be_read_is_named_by_its_place(string config, string place)
    {
        Write("tokenizer.json", $"{{{Model}}}");
        Write("tokenizer_config.json", config);
        Assert.That(Assert.Throws<TokenizerException>(() => ModelTokenizer.Load(_folder))!.Message, Does.Contain(place));
    }

    private static string Folder(string name) => Path.Combine(RepositoryFolder.Fixtures, "folders", name);

    private static JsonDocument Expected(string folder) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(_folder, name), content);
}
