using System.Text.RegularExpressions;

namespace SLoRA.PublicApi.Tests.Docs;

/// <summary>What can be checked of the prose: that what it points to exists.</summary>
[Parallelizable(ParallelScope.All)]
public sealed partial class DocsTests
{
    public static IEnumerable<string> Pages() =>
        Directory.GetFiles(Repository.PathOf("docs"), "*.md").Select(page => Path.Combine("docs", Path.GetFileName(page)))
            .Append("README.md").Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Pages))]
    public void Links_lead_to_files(string page)
    {
        string folder = Path.GetDirectoryName(Repository.PathOf(page))!;
        IEnumerable<string> missing = Link().Matches(File.ReadAllText(Repository.PathOf(page)))
            .Select(match => match.Groups[1].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal) && !File.Exists(Path.Combine(folder, target)));

        Assert.That(missing, Is.Empty);
    }

    [Test]
    public void Every_page_is_linked_from_the_readme()
    {
        string readme = File.ReadAllText(Repository.PathOf("README.md"));
        IEnumerable<string> unlinked =
            Pages().Where(page => page != "README.md" && !readme.Contains($"]({page.Replace('\\', '/')})", StringComparison.Ordinal));

        Assert.That(unlinked, Is.Empty);
    }

    [Test]
    public void Tests_that_claims_are_shown_by_exist()
    {
        HashSet<string> tests = [.. Directory.GetFiles(Repository.PathOf("tests"), "*Tests.cs", SearchOption.AllDirectories)
            .Select(Path.GetFileNameWithoutExtension).OfType<string>()];
        string[] named = [.. TestClass().Matches(File.ReadAllText(Repository.PathOf("docs", "claims.md")))
            .Select(match => match.Groups[1].Value).Distinct()];

        Assert.That(named, Has.Length.GreaterThan(20));
        Assert.That(named.Where(name => !tests.Contains(name)), Is.Empty);
    }

    [GeneratedRegex(@"\]\(([^)#]+)[^)]*\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"(\w+Tests)`")]
    private static partial Regex TestClass();
}
