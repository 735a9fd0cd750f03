using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Tests.Names;

public sealed class RepositoryIdTests
{
    [TestCase("acme/tiny-llama", ExpectedResult = "models--acme--tiny-llama")]
    [TestCase("gpt-mini", ExpectedResult = "models--gpt-mini")]
    [TestCase("Qwen/Qwen3-0.6B", ExpectedResult = "models--Qwen--Qwen3-0.6B")]
    [TestCase("_ok/_fine_", ExpectedResult = "models--_ok--_fine_")]
    public string An_id_is_a_folder_in_its_own_letters(string id) => RepositoryId.Parse(id).Folder;

    [TestCase("")]
    [TestCase("/")]
    [TestCase("a/b/c")]
    [TestCase("a--b")]
    [TestCase("a/b..c")]
    [TestCase("a/b.git")]
    [TestCase(".a/b")]
    [TestCase("a/b.")]
    [TestCase("a/-b")]
    [TestCase("a b/c")]
    [TestCase("a/é")]
    [TestCase("a\\b")]
    [TestCase("a/b\n")]
    public void What_is_no_id_is_refused_by_name(string id)
    {
        var error = Assert.Throws<HubException>(() => RepositoryId.Parse(id));
        Assert.That(error!.Code, Is.EqualTo("hub.invalid-name"));
        Assert.That(error.Message, Does.Not.Contain("\n"));
    }

    [Test]
    public void A_part_has_at_most_96_characters()
    {
        string longest = new('a', 96);
        Assert.That(RepositoryId.Parse($"{longest}/{longest}").Value, Has.Length.EqualTo(193));
        Assert.That(() => RepositoryId.Parse(longest + "a"), Throws.InstanceOf<HubException>());
    }
}
