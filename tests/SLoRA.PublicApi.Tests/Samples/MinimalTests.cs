namespace SLoRA.PublicApi.Tests.Samples;

[Parallelizable(ParallelScope.All)]
public sealed class MinimalTests
{
    [Test]
    public async Task It_prints_the_answer_of_one_tenant()
    {
        SampleResult result = await SampleProcess.RunAsync("Minimal");

        result.AssertSuccess();
        Assert.That(result.Output, Is.EqualTo(Demo.Answer("bakery") + "\n"));
    }

    [Test]
    public void The_readme_shows_its_source()
    {
        string source = File.ReadAllText(Repository.PathOf("samples", "Minimal", "Program.cs")).ReplaceLineEndings("\n");
        string readme = File.ReadAllText(Repository.PathOf("README.md")).ReplaceLineEndings("\n");

        Assert.That(readme, Does.Contain($"```csharp\n{source}```\n"));
        Assert.That(source.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.LessThanOrEqualTo(12));
    }

    [Test]
    public void The_readme_is_short() => Assert.That(File.ReadAllLines(Repository.PathOf("README.md")), Has.Length.LessThanOrEqualTo(150));
}
