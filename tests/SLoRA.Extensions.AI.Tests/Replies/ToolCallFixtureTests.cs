using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI.Tests.Replies;

/// <summary>
/// The tool-call fixtures: what published formats look like, traps included, and what must come out of each, however it arrives.
/// </summary>
public sealed class ToolCallFixtureTests
{
    private static IEnumerable<TestCaseData> Cases() =>
        ToolCallCase.All().Select(item => new TestCaseData(item).SetArgDisplayNames(item.Name));

    private static IEnumerable<TestCaseData> ShownCases() =>
        ToolCallCase.All().Where(item => item.Shown is not null).Select(item => new TestCaseData(item).SetArgDisplayNames(item.Name));

    [TestCaseSource(nameof(Cases))]
    public void An_answer_is_read_in_the_pieces_given(ToolCallCase item)
    {
        int right = ReadWhole(item);
        foreach (string[] pieces in item.Pieces)
        {
            AssertRead(item, pieces, right);
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void An_answer_is_read_character_by_character(ToolCallCase item) =>
        AssertRead(item, [.. item.Text.Select(c => c.ToString())], ReadWhole(item));

    [TestCaseSource(nameof(Cases))]
    public void An_answer_is_read_in_two_pieces_at_every_cut(ToolCallCase item)
    {
        int right = ReadWhole(item);
        for (int cut = 0; cut <= item.Text.Length; cut++)
        {
            AssertRead(item, [item.Text[..cut], item.Text[cut..]], right);
        }
    }

    [TestCaseSource(nameof(ShownCases))]
    public void Text_is_shown_in_time(ToolCallCase item)
    {
        ReplyParser parser = item.Parser();
        var gathered = new ReplyResult.Gathered();
        foreach ((string piece, int expected) in item.Pieces[0].Zip(item.Shown!))
        {
            gathered.Add(parser.Push(piece));
            int actual = gathered.Text.TrimEnd().EnumerateRunes().Count();
            Assert.That(actual, Is.GreaterThanOrEqualTo(expected), $"behind \"{piece}\" the user sees \"{gathered.Text}\"");
        }
    }

    [Test]
    public void Every_format_has_cases()
    {
        string[] names = [.. ToolCallCase.All().Select(item => item.Format.ToolCalls.Name).Distinct()];
        Assert.That(names,
            Is.EquivalentTo(ToolCallFormat.All.Where(format => format != ToolCallFormat.None).Select(format => format.Name)));
    }

    private static int ReadWhole(ToolCallCase item)
    {
        ReplyResult whole = ReplyResult.Of(item.Parser(), [item.Text]);
        int right = item.Which(whole);
        Assert.That(right, Is.Not.Negative, $"of       {item.Text}\nexpected {item.Expected()}\nbut was  {whole}");
        return right;
    }

    private static void AssertRead(ToolCallCase item, string[] pieces, int right)
    {
        ReplyResult result = ReplyResult.Of(item.Parser(), pieces);
        Assert.That(item.Which(result), Is.EqualTo(right),
            $"in       {string.Join("¦", pieces)}\nexpected {item.Expected()}\nbut was  {result}");
    }
}
