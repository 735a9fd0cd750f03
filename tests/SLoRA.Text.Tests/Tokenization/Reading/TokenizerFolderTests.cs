namespace SLoRA.Text.Tests.Tokenization.Reading;

/// <summary>What is read from the files of a folder.</summary>
public sealed class TokenizerFolderTests
{
    private const string Small = """{"version":"1.0","added_tokens":[{"id":2,"content":"</s>","special":true}],"model":{"type":"WordLevel","vocab":{"a":0,"[UNK]":1},"unk_token":"[UNK]"}}""";

    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("slora-tokenizer-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void A_missing_folder_and_a_missing_file_are_named()
    {
        string missing = Path.Combine(_folder, "nowhere");
        TokenizerException noFolder = Assert.Throws<TokenizerException>(() => Tokenizer.Load(missing))!;
        TokenizerException noFile = Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder))!;
        Assert.Multiple(() =>
        {
            Assert.That(noFolder.Code, Is.EqualTo("tokenizer.file"));
            Assert.That(noFolder.Message, Does.Contain(missing));
            Assert.That(noFile.Message, Does.Contain("tokenizer.json"));
        });
    }

    [Test]
    public void Special_tokens_are_texts_or_objects_and_the_configuration_goes_first()
    {
        Write("tokenizer.json", Small);
        Write("special_tokens_map.json", """{"bos_token":"x","eos_token":{"content":"a","lstrip":false},"pad_token":null}""");
        Write("tokenizer_config.json", """{"bos_token":null,"eos_token":{"content":"</s>"},"unk_token":"[UNK]","add_bos_token":true}""");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.SpecialTokens["eos_token"], Is.EqualTo("</s>"));
            Assert.That(tokenizer.EosTokenId, Is.EqualTo(2));
            Assert.That(tokenizer.UnkTokenId, Is.EqualTo(1));
            Assert.That(tokenizer.PadTokenId, Is.Null);
            Assert.That(tokenizer.BosTokenId, Is.Null);
            Assert.That(tokenizer.AddBosToken, Is.True);
            Assert.That(tokenizer.AddEosToken, Is.Null);
        });
    }

    [Test]
    public void Chat_templates_are_a_text_a_named_list_or_a_file()
    {
        Write("tokenizer.json", Small);
        Write("tokenizer_config.json", """{"chat_template":[{"name":"default","template":"D"},{"name":"tool_use","template":"T"}]}""");
        Assert.That(Tokenizer.Load(_folder).ChatTemplateTexts, Is.EquivalentTo(new Dictionary<string, string> { ["default"] = "D", ["tool_use"] = "T" }));
        Write("chat_template.jinja", "J");
        Assert.That(Tokenizer.Load(_folder).ChatTemplateTexts["default"], Is.EqualTo("J"));
        Write("tokenizer_config.json", """{"chat_template":"S"}""");
        File.Delete(Path.Combine(_folder, "chat_template.jinja"));
        Assert.That(Tokenizer.Load(_folder).ChatTemplateTexts["default"], Is.EqualTo("S"));
    }

    [Test]
    public void A_damaged_configuration_is_named()
    {
        Write("tokenizer.json", Small);
        Write("tokenizer_config.json", "{");
        Assert.That(Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder))!.Message, Does.Contain("tokenizer_config.json"));
    }

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(_folder, name), content);
}
