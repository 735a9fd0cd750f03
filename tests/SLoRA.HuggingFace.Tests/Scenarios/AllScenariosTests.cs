using System.Reflection;
using System.Text.Json.Nodes;

namespace SLoRA.HuggingFace.Tests.Scenarios;

/// <summary>That no scenario of the fixtures has been forgotten.</summary>
public sealed class AllScenariosTests
{
    [Test]
    public void Every_scenario_has_a_test()
    {
        JsonNode scenarios = JsonNode.Parse(File.ReadAllText(RepositoryFolder.Hub("scenarios.json")))!;
        IEnumerable<string> recorded = scenarios["scenarios"]!.AsArray().Select(scenario => (string)scenario!["scenario"]!);
        IEnumerable<string> played = typeof(AllScenariosTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
            .SelectMany(method => method.GetCustomAttributes<ScenarioAttribute>())
            .Select(scenario => (string)scenario.Properties.Get(nameof(ScenarioAttribute)[..8])!);

        Assert.That(played, Is.EquivalentTo(recorded));
    }
}
