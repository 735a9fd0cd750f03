namespace SLoRA.Text.Tests.Tokenization.Reading;

/// <summary>What is read from the files of a folder.</summary>
public sealed class TokenizerFolderTests
{
    private const string Small = """{"version":"1.0","added_tokens":[{"id":2,"content":"</s>","special":true}"""
        + """],"model":{"type":"WordLevel","vocab":{"a":0,"[UNK]":1},"unk_token":"[UNK]"}}""";

    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("slora-tokenizer-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void A_missing_folder_and_a_missing_file_are_named()
    {
        string missing = Path.Combine(_folder, "nowhere");
        TokenizerException noFolder = Assert.Throws<TokenizerException>(() => ModelTokenizer.Load(missing))!;
        TokenizerException noFile = Assert.Throws<TokenizerException>(() => ModelTokenizer.Load(_folder))!;
        Assert.Multiple(() =>
        {
            Assert.That(noFolder.Code, Is.EqualTo("tokenizer.file"));
            Assert.That(noFolder.Message, Does.Contain(missing));
            Assert.That(noFile.Message, Does.Contain("tokenizer.json"));
        });
    }

    [Test]
    public void Special_tokens_are_texts_or_objects_and_the_map_goes_first_where_no_decoder_is()
    {
        Write("tokenizer.json", Small);
        Write("special_tokens_map.json", """{"bos_token":"x","eos_token":{"content":"a","lstrip":false},"pad_token":null}""");
        Write("tokenizer_config.json", """{"bos_token":null,"eos_token":{"content":"</s>"},"unk_token":"[UNK]","add_bos_token":true}""");
        ModelTokenizer tokenizer = ModelTokenizer.Load(_folder);
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.SpecialTokens["eos_token"], Is.EqualTo("a"));
            Assert.That(tokenizer.EosTokenId, Is.EqualTo(0));
            Assert.That(tokenizer.UnkTokenId, Is.EqualTo(1));
            Assert.That(tokenizer.PadTokenId, Is.Null);
            Assert.That(tokenizer.SpecialTokens["bos_token"], Is.EqualTo("x"));
            Assert.That(tokenizer.BosTokenId, Is.EqualTo(3));
            Assert.That(tokenizer.AddBosToken, Is.True);
            Assert.That(tokenizer.AddEosToken, Is.Null);
        });
    }

    [Test]
    public void Chat_templates_are_a_text_a_named_list_or_a_file()
    {
        Write("tokenizer.json", Small);
        Write("tokenizer_config.json", """{"chat_template":[{"name":"default","template":"D"},{"name":"tool_use","template":"T"}]}""");
        Assert.That(ModelTokenizer.Load(_folder).ChatTemplateTexts,
            Is.EquivalentTo(new Dictionary<string, string> { ["default"] = "D", ["tool_use"] = "T" }));
        Write("chat_template.jinja", "J");
        Assert.That(ModelTokenizer.Load(_folder).ChatTemplateTexts["default"], Is.EqualTo("J"));
        Write("tokenizer_config.json", """{"chat_template":"S"}""");
        Assert.That(ModelTokenizer.Load(_folder).Warnings.Single(), Does.Contain("'S'").And.Contain("'J'"));
        File.Delete(Path.Combine(_folder, "chat_template.jinja"));
        Assert.That(ModelTokenizer.Load(_folder).ChatTemplateTexts["default"], Is.EqualTo("S"));
    }

    [Test]
    public void A_damaged_configuration_is_named()
    {
        Write("tokenizer.json", Small);
        Write("tokenizer_config.json", "{");
        Assert.That(Assert.Throws<TokenizerException>(() => ModelTokenizer.Load(_folder))!.Message, Does.Contain("tokenizer_config.json"));
    }

    [Test]
    public void An_id_of_the_post_processor_that_is_not_its_tokens_is_reported_with_both()
    {
        Write("tokenizer.json", $$"""{"post_processor":{"type":"BertProcessing","cls":["</s>",1],"sep":["</s>",2]},{{Small[1..]}}""");
        Assert.That(ModelTokenizer.Load(_folder).Warnings.Single(), Does.Contain("the id 1 for '</s>', whose id is 2"));
    }

    [Test]
    public void Template_files_are_all_the_templates_there_are()
    {
        Write("tokenizer.json", Small);
        Write("tokenizer_config.json", """{"chat_template":[{"name":"default","template":"D"},{"name":"tool_use","template":"T"}]}""");
        Write("chat_template.jinja", "D");
        ModelTokenizer tokenizer = ModelTokenizer.Load(_folder);
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.ChatTemplateNames, Is.EqualTo(new[] { "default" }));
            Assert.That(tokenizer.Warnings.Single(), Does.Contain("'tool_use'"));
        });
    }

    [TestCase("tokenizer.json")]
    [TestCase("tokenizer_config.json")]
    [TestCase("special_tokens_map.json")]
    [TestCase("chat_template.jinja")]
    public void A_pointer_of_git_lfs_is_named_as_that(string file)
    {
        Write("tokenizer.json", Small);
        Write(file, "version https://git-lfs.github.com/spec/v1\noid "
            + "sha256:abababababababababababababababababababababababababababababababab\nsize 187344\n");
        string message = Assert.Throws<TokenizerException>(() => ModelTokenizer.Load(_folder))!.Message;
        Assert.That(
            message, Does.Contain(file).And.Contain("Git LFS pointer").And.Contain("git lfs pull").And.Contain("download the file again"));
    }

    [TestCase("tokenizer.json")]
    [TestCase("tokenizer_config.json")]
    [TestCase("special_tokens_map.json")]
    [TestCase("added_tokens.json")]
    [TestCase("chat_template.jinja")]
    [Platform(Exclude = "Win", Reason = "Windows has no pipes in folders.")]
    public void A_pipe_hangs_nobody(string file)
    {
        Write("tokenizer.json", Small);
        File.Delete(Path.Combine(_folder, file));
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", Path.Combine(_folder, file)))
        {
            mkfifo.WaitForExit();
        }

        Task<TokenizerException?> loading = Task.Run(() => Assert.Throws<TokenizerException>(() => ModelTokenizer.Load(_folder)));
        Assert.That(loading.Wait(TimeSpan.FromMinutes(1)), "opening waits for a writer");
        TokenizerException error = loading.Result!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Code, Is.EqualTo("tokenizer.file"));
            Assert.That(error.Message, Does.Contain(file).And.Contain("regular files"));
        });
    }

    [TestCase("tokenizer.model")]
    [TestCase("tekken.json")]
    [TestCase("vocab.json")]
    public void Where_only_another_form_of_a_tokenizer_is_the_error_says_how_to_convert_it(string other)
    {
        Write(other, "x");
        Assert.That(
            Assert.Throws<TokenizerException>(() => ModelTokenizer.Load(_folder))!.Message,
                Does.Contain(other).And.Contain("save_pretrained"));
    }

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(_folder, name), content);
}
