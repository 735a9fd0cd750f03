using NUnit.Framework;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Formats;

public sealed class Mxfp4BlocksTests
{
    [Test]
    public void Every_code_has_its_value_low_half_first()
    {
        byte[] codes = [.. Enumerable.Range(0, 8).Select(i => (byte)((2 * i) | (((2 * i) + 1) << 4))), .. new byte[8]];
        var bits = new ushort[Mxfp4Blocks.BlockElements];
        Mxfp4Blocks.Widen(codes, [128], bits);
        float[] values = [.. bits.Take(16).Select(half => BitConverter.UInt32BitsToSingle((uint)half << 16))];
        Assert.That(values, Is.EqualTo((float[])[0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]));
    }

    [Test]
    public void Blocks_have_exponents_of_their_own()
    {
        byte[] codes = [.. Enumerable.Repeat((byte)0x22, 2 * Mxfp4Blocks.BlockBytes)];
        var bits = new ushort[2 * Mxfp4Blocks.BlockElements];
        Mxfp4Blocks.Widen(codes, [120, 130], bits);
        Assert.That(BitConverter.UInt32BitsToSingle((uint)bits[31] << 16), Is.EqualTo(1 / 128f));
        Assert.That(BitConverter.UInt32BitsToSingle((uint)bits[32] << 16), Is.EqualTo(8f));
    }
}
