using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Tests.Replies.Reading;

public sealed class MarkerSearchTests
{
    private static readonly MarkerSearch Search = new("<tool_call>", "<tool", "[T]");

    [TestCase("a <tool_call>", 2, "<tool_call>")]
    [TestCase("a <tool_x [T]", 2, "<tool")]
    [TestCase("[T]<tool_call>", 0, "[T]")]
    [TestCase("<too", -1, "")]
    [TestCase("", -1, "")]
    public void The_first_marker_is_found_and_the_longest_of_those_that_begin_there(string text, int at, string marker)
    {
        Assert.That(Search.Find(text, out string found), Is.EqualTo(at));
        Assert.That(found, Is.EqualTo(marker));
    }

    [TestCase("a <too", ExpectedResult = 4)]
    [TestCase("<<", ExpectedResult = 1)]
    [TestCase("<tool_call", ExpectedResult = 10)]
    [TestCase("[", ExpectedResult = 1)]
    [TestCase("[T", ExpectedResult = 2)]
    [TestCase("[x", ExpectedResult = 0)]
    [TestCase("a", ExpectedResult = 0)]
    [TestCase("", ExpectedResult = 0)]
    public int As_much_waits_as_could_begin_a_marker(string text) => Search.Open(text);

    [Test]
    public void Without_markers_nothing_is_found_and_nothing_waits()
    {
        Assert.That(new MarkerSearch().Find("<tool", out _), Is.Negative);
        Assert.That(new MarkerSearch().Open("<tool"), Is.Zero);
    }
}
