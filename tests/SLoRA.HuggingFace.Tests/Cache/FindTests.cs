using System.Text.Json.Nodes;
using SLoRA.HuggingFace.Tests.Layouts;

namespace SLoRA.HuggingFace.Tests.Cache;

/// <summary>Which snapshot is in a cache that another client has left: every question of the layouts.</summary>
public sealed class FindTests
{
    public static IEnumerable<TestCaseData> Questions() =>
        from layout in LayoutFixture.All()
        from question in layout.Questions
        let ask = question["ask"]!
        select new TestCaseData(layout, question)
            .SetArgDisplayNames(layout.Name, $"{ask["repo"]} {ask["revision"]} {ask["subfolder"]}".Trim());

    [TestCaseSource(nameof(Questions))]
    public void The_answer_is_the_snapshot_or_says_what_is_missing(object layout, JsonObject question)
    {
        using var folder = new TemporaryFolder();
        ((LayoutFixture)layout).Build(folder.Path);
        JsonNode ask = question["ask"]!;
        JsonNode expect = question["expect"]!;
        string? failure = (string?)expect["failure"];
        string repository = (string)ask["repo"]!;
        string revision = (string)ask["revision"]!;
        HubFiles files = HubFiles.Model.In((string?)ask["subfolder"] ?? "");

        if (failure == nameof(HubErrorKind.InvalidName))
        {
            var invalid = Assert.Throws<HubException>(() => HubCache.Look(repository, revision, files, folder.Path));
            Assert.That(invalid!.Kind, Is.EqualTo(HubErrorKind.InvalidName));
            return;
        }

        HubSnapshot snapshot = HubCache.Look(repository, revision, files, folder.Path);
        Assert.Multiple(() =>
        {
            Assert.That(snapshot.Failure?.ToString(), Is.EqualTo(failure));
            Assert.That(snapshot.Commit, Is.EqualTo((string?)expect["commit"]));
            Assert.That(snapshot.Root, Is.EqualTo(expect["snapshot"] is { } path ? folder.Of((string)path!) : null));
            Assert.That(snapshot.Missing, Is.EqualTo(Strings(expect["missing"])));
            Assert.That(snapshot.BrokenLinks, Is.EqualTo(Strings(expect["broken_links"])));
            Assert.That(snapshot.LinksOutOfTheCache, Is.EqualTo(Strings(expect["links_out_of_the_cache"])));
            if (failure is null)
            {
                Assert.That(snapshot.NotCached, Is.EqualTo(Strings(expect["not_cached"])));
                Assert.That(snapshot.Files, Is.EqualTo(Strings(expect["files"])));
                Assert.That(
                    HubCache.Find(repository, revision, files, folder.Path),
                    Is.EqualTo(folder.Of((string)expect["snapshot"]!, files.Subfolder).TrimEnd('/')));
            }
            else
            {
                var error = Assert.Throws<HubException>(() => HubCache.Find(repository, revision, files, folder.Path));
                Assert.That(error!.Kind.ToString(), Is.EqualTo(failure));
                Assert.That(error.Files, Is.EqualTo(Strings(expect["missing"])));
            }
        });
    }

    [Test]
    public void There_are_62_questions() =>
        Assert.That(LayoutFixture.All().Sum(layout => layout.Questions.Count()), Is.GreaterThanOrEqualTo(62));

    private static string[] Strings(JsonNode? array) => [.. (array?.AsArray() ?? []).Select(item => (string)item!)];
}
