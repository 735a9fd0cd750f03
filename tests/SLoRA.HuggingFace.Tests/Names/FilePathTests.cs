using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Tests.Names;

public sealed class FilePathTests
{
    [TestCase("config.json")]
    [TestCase("original/params.json")]
    [TestCase(".gitattributes")]
    [TestCase("é-中文 space%20.txt")]
    [TestCase("console.txt")]
    [TestCase("com10.json")]
    [TestCase("a.b/..c/d")]
    public void Names_that_every_system_can_hold_are_taken(string path) => Assert.That(FilePath.Problem(path), Is.Null);

    [TestCase("")]
    [TestCase("/absolute")]
    [TestCase("a//b")]
    [TestCase("a/")]
    [TestCase("./a")]
    [TestCase("a/../b")]
    [TestCase("a\\b")]
    [TestCase("C:a")]
    [TestCase("a:b")]
    [TestCase("a?")]
    [TestCase("a\"b")]
    [TestCase("a|b")]
    [TestCase("tab\there")]
    [TestCase("a\0b")]
    [TestCase("trailing.")]
    [TestCase("trailing /b")]
    [TestCase("CON")]
    [TestCase("nul.txt")]
    [TestCase("sub/com1.json")]
    [TestCase("LPT³")]
    [TestCase("aux .json")]
    public void Names_that_some_system_cannot_hold_are_refused_on_all(string path) => Assert.That(FilePath.Problem(path), Is.Not.Null);

    [Test]
    public void Half_a_character_is_refused() => Assert.That(FilePath.Problem("half\ud800"), Is.Not.Null);

    [Test]
    public void A_part_has_at_most_255_bytes()
    {
        Assert.That(FilePath.Problem("a/" + new string('n', 255)), Is.Null);
        Assert.That(FilePath.Problem("a/" + new string('n', 256)), Is.Not.Null);
        Assert.That(FilePath.Problem(new string('é', 128)), Is.Not.Null);
    }

    [Test]
    public void A_file_that_is_another_s_folder_has_no_place()
    {
        Assert.That(FilePath.Clash(["good.txt", "good.txt/child.txt"], foldsCase: false), Is.EqualTo("good.txt/child.txt"));
        Assert.That(FilePath.Clash(["a/b", "a/c", "a.b"], foldsCase: true), Is.Null);
    }

    [TestCase(false, ExpectedResult = null)]
    [TestCase(true, ExpectedResult = "GOOD.txt")]
    public string? Two_names_are_one_where_cases_are_folded(bool foldsCase) => FilePath.Clash(["good.txt", "GOOD.txt"], foldsCase);
}
