using System.Text.Json;

namespace SLoRA.Text.Tests.Tokenization.Reading;

/// <summary>Tokenizers out of GGUF files, against the tokenizer.json that they were converted from.</summary>
internal sealed class GgufTokenizerTests
{
    private static readonly string Demo = Path.Combine(RepositoryFolder.Demo, "model");

    private static readonly string[] Texts =
    [
        "", " ", "Hello, world!", "I'll pay £12.50 — or 1,234,567?", "  two  spaces\n\n\tand a tab ", "naïve café, 北京 🍰",
        "<|im_start|>user\nA table for two<|im_end|>\n", "x<|endoftext|>y",
    ];

    [Test]
    public void A_byte_level_tokenizer_gives_the_ids_and_texts_of_the_one_that_it_was_converted_from()
    {
        using var folder = new GgufFolder(DemoKeys().Write());
        ModelTokenizer expected = ModelTokenizer.Load(Demo), file = ModelTokenizer.Load(folder.File),
            found = ModelTokenizer.Load(folder.Path);

        foreach (string text in Texts)
        {
            int[] ids = expected.Encode(text);
            Assert.That(file.Encode(text), Is.EqualTo(ids), text);
            Assert.That(found.Encode(text), Is.EqualTo(ids), text);
            Assert.That(file.Decode(ids), Is.EqualTo(expected.Decode(ids)), text);
            Assert.That(file.Decode(ids, skipSpecialTokens: true), Is.EqualTo(expected.Decode(ids, skipSpecialTokens: true)), text);
        }

        Assert.That(file.VocabularySize, Is.EqualTo(expected.VocabularySize));
        Assert.That(file.BosTokenId, Is.EqualTo(expected.BosTokenId));
        Assert.That(file.EosTokenId, Is.EqualTo(expected.EosTokenId));
        Assert.That(file.PadTokenId, Is.EqualTo(expected.PadTokenId));
    }

    [Test]
    public void The_chat_template_comes_out_of_the_same_file()
    {
        using var folder = new GgufFolder(DemoKeys().Write());
        ModelTokenizer expected = ModelTokenizer.Load(Demo), tokenizer = ModelTokenizer.Load(folder.File);
        TemplateMessage[] messages = [new("system", "You are kind."), new("user", "Hello!")];

        Assert.That(tokenizer.RenderChat(messages), Is.EqualTo(expected.RenderChat(messages)).And.Not.Empty);
        Assert.That(tokenizer.ChatTemplateNames, Is.EqualTo(new[] { "default" }));
    }

    [TestCase(true, new[] { 1, 5, 6 })]
    [TestCase(false, new[] { 5, 6 })]
    public void A_text_begins_with_its_token_where_the_file_says_so(bool adds, int[] ids)
    {
        string[] tokens = ["<unk>", "<s>", "</s>", "▁", "a", "▁a", "b"];
        using var folder = new GgufFolder(Llama(tokens).Key("tokenizer.ggml.add_bos_token", adds).Write());
        Assert.That(ModelTokenizer.Load(folder.File).Encode("ab"), Is.EqualTo(ids));
    }

    /// <summary>Of neighbours whose joining is a token, those with the better score are joined first.</summary>
    [Test]
    public void SentencePiece_joins_by_scores()
    {
        // Scores fall with the id: "bc" (7) goes before "ab" (8), so "abc" is a, bc; "▁a" (6) goes before both.
        string[] tokens = ["<unk>", "<s>", "</s>", "▁", "a", "b", "▁a", "bc", "ab", "c", "▁ab"];
        using var folder = new GgufFolder(Llama(tokens).Key("tokenizer.ggml.add_bos_token", false).Write());
        ModelTokenizer tokenizer = ModelTokenizer.Load(folder.File);

        Assert.That(tokenizer.Encode("abc"), Is.EqualTo(new[] { 6, 7 }));
        Assert.That(tokenizer.Encode("ab"), Is.EqualTo(new[] { 10 }), "▁a and b are joined once ▁a is there");
        Assert.That(tokenizer.Encode("cab"), Is.EqualTo(new[] { 3, 9, 8 }));
        Assert.That(tokenizer.Decode([6, 7]), Is.EqualTo("abc"));
    }

    [Test]
    public void SentencePiece_writes_what_it_has_no_token_for_as_bytes()
    {
        string[] bytes = [.. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>")];
        string[] tokens = ["<unk>", "<s>", "</s>", .. bytes, "▁", "a"];
        using var folder = new GgufFolder(Llama(tokens).Key("tokenizer.ggml.add_bos_token", false).Write());
        ModelTokenizer tokenizer = ModelTokenizer.Load(folder.File);

        // é is C3 A9; the first byte has id 3.
        Assert.That(tokenizer.Encode("aé"), Is.EqualTo(new[] { 259, 260, 3 + 0xC3, 3 + 0xA9 }));
        Assert.That(tokenizer.Decode([259, 260, 3 + 0xC3, 3 + 0xA9]), Is.EqualTo("aé"));
    }

    [TestCase("bert", "qwen2", "bert")]
    [TestCase("gpt2", "tekken", "tekken")]
    public void What_is_not_known_is_refused_by_name(string model, string pre, string mention)
    {
        using var folder = new GgufFolder(new GgufWriter()
            .Key("tokenizer.ggml.model", model).Key("tokenizer.ggml.pre", pre).Key("tokenizer.ggml.tokens", "a", "b").Write());
        Assert.That(() => ModelTokenizer.Load(folder.File), Throws.TypeOf<TokenizerException>()
            .With.Property("Code").EqualTo("tokenizer.unsupported").And.Message.Contains(mention));
    }

    [Test]
    public void A_file_without_a_tokenizer_or_without_a_whole_header_is_refused()
    {
        using var empty = new GgufFolder(new GgufWriter().Key("general.name", "x").Write());
        Assert.That(() => ModelTokenizer.Load(empty.File), Throws.TypeOf<TokenizerException>()
            .With.Property("Code").EqualTo("tokenizer.format").And.Message.Contains("tokenizer.ggml.tokens"));

        using var cut = new GgufFolder([.. DemoKeys().Write().Take(1000)]);
        Assert.That(
            () => ModelTokenizer.Load(cut.File), Throws.TypeOf<TokenizerException>().With.Property("Code").EqualTo("tokenizer.file"));

        using var types = new GgufFolder(Llama(["a", "b"]).Key("tokenizer.ggml.bos_token_id", 7u).Write());
        Assert.That(() => ModelTokenizer.Load(types.File), Throws.TypeOf<TokenizerException>().With.Message.Contains("bos_token_id"));
    }

    /// <summary>Tokens whose scores fall with their ids; the first three are unknown, begin and end, those like bytes are bytes.</summary>
    private static GgufWriter Llama(string[] tokens)
    {
        int[] types = [.. tokens.Select((token, id) => id == 0 ? 2 : id < 3 && tokens.Length > 2 ? 3 : token.StartsWith("<0x") ? 6 : 1)];
        GgufWriter writer = new GgufWriter().Key("tokenizer.ggml.model", "llama").Key("tokenizer.ggml.tokens", tokens)
            .Key("tokenizer.ggml.token_type", types).Key("tokenizer.ggml.scores", [.. tokens.Select((_, id) => -(float)id)])
            .Key("tokenizer.ggml.unknown_token_id", 0u);
        return tokens.Length > 2 ? writer.Key("tokenizer.ggml.bos_token_id", 1u).Key("tokenizer.ggml.eos_token_id", 2u) : writer;
    }

    /// <summary>The demo model's tokenizer as llama.cpp's converter writes one.</summary>
    private static GgufWriter DemoKeys()
    {
        using JsonDocument tokenizer = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Demo, "tokenizer.json"))),
            config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Demo, "tokenizer_config.json")));
        JsonElement model = tokenizer.RootElement.GetProperty("model");
        var tokens = model.GetProperty("vocab").EnumerateObject().ToDictionary(token => token.Value.GetInt32(), token => token.Name);
        var types = tokens.Keys.ToDictionary(id => id, _ => 1);
        foreach (JsonElement added in tokenizer.RootElement.GetProperty("added_tokens").EnumerateArray())
        {
            int id = added.GetProperty("id").GetInt32();
            (tokens[id], types[id]) = (added.GetProperty("content").GetString()!, added.GetProperty("special").GetBoolean() ? 3 : 4);
        }

        var writer = new GgufWriter();
        foreach ((string role, string key) in new[] { ("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding") })
        {
            if (config.RootElement.GetProperty(role).GetString() is { } content)
            {
                writer.Key($"tokenizer.ggml.{key}_token_id", (uint)tokens.First(token => token.Value == content).Key);
            }
        }

        return writer
            .Key("tokenizer.ggml.model", "gpt2").Key("tokenizer.ggml.pre", "qwen2")
            .Key("tokenizer.ggml.tokens", [.. tokens.OrderBy(token => token.Key).Select(token => token.Value)])
            .Key("tokenizer.ggml.token_type", [.. types.OrderBy(type => type.Key).Select(type => type.Value)])
            .Key("tokenizer.ggml.merges", [.. model.GetProperty("merges").EnumerateArray()
                .Select(merge => string.Join(' ', merge.EnumerateArray().Select(part => part.GetString())))])
            .Key("tokenizer.chat_template", config.RootElement.GetProperty("chat_template").GetString()!);
    }

    private sealed class GgufFolder : IDisposable
    {
        public GgufFolder(byte[] file)
        {
            Path = Directory.CreateTempSubdirectory("slora-gguf").FullName;
            File = System.IO.Path.Combine(Path, "model.gguf");
            System.IO.File.WriteAllBytes(File, file);
        }

        public string Path { get; }

        public string File { get; }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
