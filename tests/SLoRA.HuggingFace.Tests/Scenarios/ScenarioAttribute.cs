namespace SLoRA.HuggingFace.Tests.Scenarios;

/// <summary>The scenario of the fixtures that a test plays again.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ScenarioAttribute(string name) : PropertyAttribute(name);
