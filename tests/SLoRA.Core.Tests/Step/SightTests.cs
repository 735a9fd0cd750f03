using NUnit.Framework;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Step;

[Parallelizable(ParallelScope.All)]
public sealed class SightTests
{
    [TestCase(null, null, 100, 0)]
    [TestCase(4, null, 3, 0)]
    [TestCase(4, null, 4, 1)]
    [TestCase(1, null, 9, 9)]
    [TestCase(null, 8, 7, 0)]
    [TestCase(null, 8, 8, 8)]
    [TestCase(null, 8, 23, 16)]
    [TestCase(4, 8, 9, 8, Description = "the later of both")]
    [TestCase(4, 8, 15, 12)]
    public void The_first_visible_position_is_that_of_window_and_chunk(int? window, int? chunk, int position, int first) =>
        Assert.That(new Sight(window, chunk).FirstVisible(position), Is.EqualTo(first));

    [Test]
    public void What_no_sequence_reaches_is_no_bound()
    {
        Assert.That(new Sight(100, 200).Within(100), Is.EqualTo(default(Sight)));
        Assert.That(new Sight(100, 200).Within(101), Is.EqualTo(new Sight(100)));
        Assert.That(new Sight(null, 99).Within(100).IsBounded, Is.True);
    }
}
