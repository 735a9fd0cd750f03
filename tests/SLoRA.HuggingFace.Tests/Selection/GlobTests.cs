using SLoRA.HuggingFace.Selection;

namespace SLoRA.HuggingFace.Tests.Selection;

public sealed class GlobTests
{
    [TestCase("*.json", "config.json", ExpectedResult = true)]
    [TestCase("*.json", "original/params.json", ExpectedResult = false)]
    [TestCase("**/*.json", "config.json", ExpectedResult = true)]
    [TestCase("**/*.json", "a/b/c.json", ExpectedResult = true)]
    [TestCase("**", "a/b/c.json", ExpectedResult = true)]
    [TestCase("a/**", "a/b/c.json", ExpectedResult = true)]
    [TestCase("a/**", "b/a/c.json", ExpectedResult = false)]
    [TestCase("a/*/c.json", "a/b/c.json", ExpectedResult = true)]
    [TestCase("a/**/c.json", "a/c.json", ExpectedResult = true)]
    [TestCase("model-0000?-of-*.safetensors", "model-00001-of-00002.safetensors", ExpectedResult = true)]
    [TestCase("Config.json", "config.json", ExpectedResult = false)]
    [TestCase("adapters/en", "adapters/en/adapter_config.json", ExpectedResult = false)]
    public bool Stars_stay_within_a_name_unless_there_are_two(string pattern, string path) => new Glob(pattern).Matches(path);

    [TestCase("../*")]
    [TestCase("/a")]
    [TestCase("a\\*")]
    [TestCase("")]
    public void What_is_no_pattern_of_paths_is_refused(string pattern) =>
        Assert.That(
            () => HubFiles.Matching(pattern), Throws.InstanceOf<HubException>().With.Property("Kind").EqualTo(HubErrorKind.InvalidName));
}
