using NUnit.Framework;
using SLoRA.Sampling;

namespace SLoRA.Core.Tests.Sampling;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class PhiloxTests
{
    // The known answers that the authors publish with Random123.
    [TestCase(0UL, 0UL, 0UL, 0xE169C58D_6627E8D5UL, 0x9B00DBD8_BC57AC4CUL)]
    [TestCase(0xFFFFFFFF_FFFFFFFFUL, 0xFFFFFFFF_FFFFFFFFUL, 0xFFFFFFFF_FFFFFFFFUL, 0x41C83B0E_408F276DUL, 0x6D5451FD_A20BC7C6UL)]
    [TestCase(0x299F31D0_A4093822UL, 0x85A308D3_243F6A88UL, 0x03707344_13198A2EUL, 0x94FDCCEB_D16CFE09UL, 0x24126EA1_5001E420UL)]
    public void Known_answers(ulong key, ulong low, ulong high, ulong expectedLow, ulong expectedHigh)
    {
        Assert.That(Philox.Bits(key, low, high), Is.EqualTo((expectedLow, expectedHigh)));
    }

    [Test]
    public void Uniform_numbers_fill_the_unit_interval_evenly()
    {
        int[] counts = new int[64];
        for (ulong i = 0; i < 200_000; i++)
        {
            double u = Philox.Uniform(12345, i, 0);
            Assert.That(u, Is.InRange(0, 1 - double.Epsilon).And.LessThan(1));
            counts[(int)(u * counts.Length)]++;
        }

        Assert.That(ChiSquare.Deviation(counts, [.. Enumerable.Repeat(1.0 / counts.Length, counts.Length)]), Is.LessThan(4.5));
    }
}
