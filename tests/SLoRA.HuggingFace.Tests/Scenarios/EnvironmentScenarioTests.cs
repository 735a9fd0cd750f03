using System.Text.Json.Nodes;

namespace SLoRA.HuggingFace.Tests.Scenarios;

/// <summary>Which folder, which token, by which variables.</summary>
public sealed class EnvironmentScenarioTests
{
    public static IEnumerable<TestCaseData> Steps()
    {
        JsonNode scenarios = JsonNode.Parse(File.ReadAllText(RepositoryFolder.Hub("scenarios.json")))!["scenarios"]!;
        JsonNode scenario = scenarios.AsArray().Single(scenario => (string)scenario!["scenario"]! == "environment")!;
        return scenario["steps"]!.AsArray().Select(step => new TestCaseData(step!.AsObject()).SetArgDisplayNames((string)step!["step"]!));
    }

    [Scenario("environment")]
    [TestCaseSource(nameof(Steps))]
    public void Environment_variables_say_where_and_who(JsonObject step)
    {
        using var root = new TemporaryFolder();
        var variables = (step["environment"]?.AsObject() ?? [])
            .ToDictionary(pair => pair.Key, pair => ((string)pair.Value!).Replace("{ROOT}", root.Path, StringComparison.Ordinal));
        bool hasEmptyFolder = variables.Any(pair => pair.Value.Length == 0 && pair.Key is "HF_HOME" or "HF_HUB_CACHE");
        string home = root.Of("user");
        variables["HOME"] = home;
        var environment = new HubEnvironment(variables.GetValueOrDefault, home);
        JsonNode expected = step["result"]!;

        // Kinder: a folder that is set to nothing is not set. To Python it is the current folder.
        string PathOf(string name, string usual) =>
            Path.GetFullPath(
                hasEmptyFolder
                ? Path.Combine(home, ".cache", "huggingface", usual)
                : ((string)expected[name]!).Replace("ROOT", root.Path, StringComparison.Ordinal));

        Assert.Multiple(() =>
        {
            Assert.That(environment.Cache, Is.EqualTo(PathOf("HF_HUB_CACHE", "hub")));
            Assert.That(environment.TokenFile, Is.EqualTo(PathOf("token_path", "token")));
            Assert.That(environment.Token, Is.EqualTo((string?)expected["token"]));
            Assert.That(environment.Offline, Is.EqualTo((bool)expected["offline"]!));
            Assert.That(environment.AnswerTimeout, Is.EqualTo(TimeSpan.FromSeconds((int)expected["etag_timeout"]!)));
            Assert.That(environment.ReadTimeout, Is.EqualTo(TimeSpan.FromSeconds((int)expected["download_timeout"]!)));
        });
    }

    [Test]
    public void A_token_comes_from_the_file_of_a_login_unless_none_may_be_taken_unasked()
    {
        using var root = new TemporaryFolder();
        File.WriteAllText(root.Of("token"), "hf_file\r\n");
        var variables = new Dictionary<string, string> { ["HF_HOME"] = root.Path };
        var environment = new HubEnvironment(variables.GetValueOrDefault, root.Path);

        Assert.That(environment.Token, Is.EqualTo("hf_file"));
        variables["HUGGING_FACE_HUB_TOKEN"] = "hf_old";
        Assert.That(environment.Token, Is.EqualTo("hf_old"));
        variables["HF_TOKEN"] = "hf_new";
        Assert.That(environment.Token, Is.EqualTo("hf_new"));
        variables["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1";
        Assert.That(environment.Token, Is.Null);
    }

    [TestCase("", ExpectedResult = "https://huggingface.co/")]
    [TestCase("https://hub.example/mirror/", ExpectedResult = "https://hub.example/mirror/")]
    public string The_address_of_the_Hub_is_a_variable(string value) =>
        new HubEnvironment(name => name == "HF_ENDPOINT" ? value : null, "/").Endpoint.AbsoluteUri;

    [TestCase("1", ExpectedResult = false)]
    [TestCase("0", ExpectedResult = true)]
    public bool Links_can_be_turned_off(string value) =>
        new HubEnvironment(name => name == "HF_HUB_DISABLE_SYMLINKS" ? value : null, "/").UsesLinks;
}
