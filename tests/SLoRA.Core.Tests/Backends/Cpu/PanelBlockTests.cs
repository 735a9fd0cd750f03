using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Cpu;

internal sealed class PanelBlockTests
{
    [Test]
    public void Runs_of_panels_have_room_are_whole_for_kernels_and_are_no_more_than_they_must_be(
        [Range(1, 25)] int panels, [Values(1, 2, 3, 4, 7, 9, 10, 12, 40)] int room, [Values(3, 4)] int atOnce)
    {
        int run = PanelBlock.Run(panels, room, atOnce);

        int largest = room >= atOnce ? room / atOnce * atOnce : room;
        Assert.Multiple(() =>
        {
            Assert.That(run, Is.InRange(1, room));
            Assert.That(room < atOnce || run % atOnce == 0, Is.True);
            Assert.That((panels + run - 1) / run, Is.EqualTo((panels + largest - 1) / largest));
        });
    }
}
