using NUnit.Framework;
using SLoRA.Native;

namespace SLoRA.Core.Tests.Native;

/// <summary>Blocks outside the garbage-collected heap, small ones and such as the system maps.</summary>
public sealed class NativeBlockTests
{
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(1000)]
    [TestCase((1 << 20) - 1)]
    [TestCase(1 << 20)]
    [TestCase((5 << 20) + 3)]
    public unsafe void A_block_holds_all_its_bytes_on_a_cache_line(int bytes)
    {
        using var block = new NativeBlock(bytes);
        Span<byte> whole = block.Slice(0, bytes);
        whole.Fill(7);
        Assert.That(whole.ContainsAnyExcept((byte)7), Is.False);
        fixed (byte* first = whole)
        {
            Assert.That((long)first % NativeBlock.Alignment, Is.Zero);
        }

        block.Clear();
        Assert.That(whole.ContainsAnyExcept((byte)0), Is.False);
    }

    [TestCase(1000)]
    [TestCase(5 << 20)]
    public void Nothing_is_read_from_a_block_that_was_given_back(int bytes)
    {
        var block = new NativeBlock(bytes);
        block.Dispose();
        block.Dispose();
        Assert.That(() => { block.Slice(0, 1); }, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(block.Clear, Throws.InstanceOf<ObjectDisposedException>());
    }
}
