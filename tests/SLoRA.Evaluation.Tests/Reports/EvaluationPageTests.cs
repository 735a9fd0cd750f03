using SLoRA.Evaluation.Reports;

namespace SLoRA.Evaluation.Tests.Reports;

internal sealed class EvaluationPageTests
{
    private const string Page = """
        # Page

        <!-- table one -->
        old
        text
        <!-- end -->
        between
        <!-- table two-2 -->
        <!-- end -->
        """;

    [Test]
    public void Tables_are_replaced_and_what_is_around_them_stays()
    {
        string replaced = EvaluationPage.Replace(Page.ReplaceLineEndings("\n"), name => $"[{name}]");

        Assert.That(replaced, Is.EqualTo("""
            # Page

            <!-- table one -->
            [one]
            <!-- end -->
            between
            <!-- table two-2 -->
            [two-2]
            <!-- end -->
            """.ReplaceLineEndings("\n")));
    }

    [Test]
    public void A_table_without_results_stays()
    {
        string page = Page.ReplaceLineEndings("\n");

        Assert.That(EvaluationPage.Replace(page, _ => null), Is.EqualTo(page));
    }

    [Test]
    public void Replacing_twice_changes_nothing_more()
    {
        string once = EvaluationPage.Replace(Page.ReplaceLineEndings("\n"), name => name);

        Assert.That(EvaluationPage.Replace(once, name => name), Is.EqualTo(once));
        Assert.That(EvaluationPage.Names(once), Is.EqualTo(new[] { "one", "two-2" }));
    }
}
