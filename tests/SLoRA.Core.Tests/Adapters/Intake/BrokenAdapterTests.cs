using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters.Intake;

/// <summary>Every folder of fixtures/broken-adapters, by what broken.json says about it.</summary>
internal sealed class BrokenAdapterTests
{
    private static readonly ImmutableArray<TargetModule> Targets = FixtureModel.Targets("core-llama-gqa");

    public sealed record Case(string Name, string Category, string Mention)
    {
        public override string ToString() => Name;
    }

    public static IEnumerable<Case> Cases()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(FixtureModel.BrokenPath("broken.json")));
        foreach (JsonElement item in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            yield return new Case(item.GetProperty("name").GetString()!, item.GetProperty("category")
                .GetString()!, item.GetProperty("mention").GetString()!);
        }
    }

    private static IEnumerable<Case> CasesOfRegistration => Cases().Where(item => item.Category != "none" && !IsFoundInContent(item));

    [TestCaseSource(nameof(CasesOfRegistration))]
    public void Registration_refuses(Case item)
    {
        var time = Stopwatch.StartNew();
        var error = Assert.Throws<AdapterLoadException>(
            () => AdapterDescription.Read(new AdapterFolder("tenant", FixtureModel.BrokenPath(item.Name)), Targets))!;
        TestContext.Out.WriteLine(error.Message);
        if (item.Name == "target-modules-regex-explodes")
        {
            Assert.That(time.Elapsed, Is.LessThan(TimeSpan.FromSeconds(1)));
        }

        Check(item, error);
    }

    [Test]
    public void Registration_accepts_the_control()
    {
        AdapterDescription description = AdapterDescription.Read(new AdapterFolder("tenant", FixtureModel.BrokenPath("control")), Targets);
        Assert.That(description.Coverage.ToString(), Does.StartWith("6 of 23 modules, rank 4, "));
    }

    private static bool IsFoundInContent(Case item) => item.Name is "nan" or "infinity";

    private static void Check(Case item, AdapterLoadException error)
    {
        Assert.That(error.Code, Is.EqualTo("adapter." + item.Category));
        Assert.That(error.Kind.ToString(), Is.EqualTo(item.Category).IgnoreCase);
        Assert.That(error.Adapter, Is.EqualTo("tenant"));
        Assert.That(error.Message, Does.Contain(item.Mention));
        // A single letter is in every message: there the subject itself must be the name.
        if (item.Mention == "r")
        {
            Assert.That(error.Subject, Is.EqualTo("r"));
        }
    }
}
