using NUnit.Framework;
using SLoRA.Errors;

namespace SLoRA.Core.Tests.Diagnostics;

[Parallelizable(ParallelScope.All)]
internal sealed class ShownTests
{
    [TestCase("bakery", "'bakery'")]
    [TestCase("日本語 ü", "'日本語 ü'")]
    [TestCase("\ud83d\ude00", "'\ud83d\ude00'")]
    [TestCase("a\nb\r\u001b[2J", "'a\\u000ab\\u000d\\u001b[2J'")]
    [TestCase("a\u0085\u009b\u2028\u2029b", "'a\\u0085\\u009b\\u2028\\u2029b'")]
    [TestCase("a\u202eb\u200b", "'a\\u202eb\\u200b'", Description = "direction and no width")]
    [TestCase("\udb40\udc41", "'\\udb40\\udc41'", Description = "an invisible character beyond 16 bits")]
    public void A_name_is_on_one_line_and_visible(string name, string shown) => Assert.That(Shown.Name(name), Is.EqualTo(shown));

    [Test]
    public void Halves_of_pairs_are_shown_as_such()
    {
        string half = new('\ud800', 1);
        Assert.That(Shown.Name(half + "a"), Is.EqualTo("'\\ud800a'"));
    }

    [Test]
    public void A_name_of_any_length_is_cut()
    {
        Assert.That(Shown.Name(new string('n', 10_000_000)), Is.EqualTo($"'{new string('n', 200)}…'"));
        Assert.That(Shown.Name(new string('\n', 10_000_000)), Has.Length.LessThan(1300));
        Assert.That(Shown.Name(new string('n', 200)), Is.EqualTo($"'{new string('n', 200)}'"));
        Assert.That(Shown.Text(new string('n', 199) + "\ud83d\ude00x"), Is.EqualTo(new string('n', 199) + "\ud83d\ude00…"),
            "no character is halved");
    }

    [Test]
    public void Of_many_names_the_first_are_told()
    {
        Assert.That(Shown.Names(["a", "b"]), Is.EqualTo("'a', 'b'"));
        Assert.That(Shown.Names([.. Enumerable.Range(0, 10).Select(i => $"{i}")]), Does.EndWith("'7' and 2 more"));
    }
}
