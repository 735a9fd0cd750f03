using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Cpu;

internal sealed unsafe class RowGroupTests
{
    [Test]
    public void Every_group_has_its_scale_and_begins_at_minus_zero_times_its_sum([Range(1, 9)] int groups, [Values(0, 8, 128)] int zero)
    {
        float* scales = stackalloc float[groups];
        int* sums = stackalloc int[groups];
        RowGroup* written = stackalloc RowGroup[groups + 1];
        var random = new Random(groups);
        for (int i = 0; i < groups; i++)
        {
            scales[i] = random.NextSingle();
            sums[i] = random.Next(-1_000_000, 1_000_000);
        }

        written[groups] = new RowGroup(7, 7);

        RowGroup.Write(scales, sums, groups, zero, written);

        for (int i = 0; i < groups; i++)
        {
            Assert.That(written[i], Is.EqualTo(new RowGroup(scales[i], -(zero * sums[i]))));
        }

        Assert.That(written[groups], Is.EqualTo(new RowGroup(7, 7)), "what lies behind them");
    }
}
