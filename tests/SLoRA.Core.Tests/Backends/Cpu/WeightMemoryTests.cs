using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>Memory for packed weights.</summary>
internal sealed unsafe class WeightMemoryTests
{
    [Test]
    public void What_is_taken_is_zero_aligned_and_nobody_elses()
    {
        using var memory = new WeightMemory();
        long[] sizes = [64, 1, 100, 40L << 20, 8 << 20, 31 << 20, 3 << 20, 20 << 20, 33 << 20, 64];
        var taken = new List<(nint Address, long Bytes)>();
        foreach (long bytes in sizes)
        {
            byte* address = memory.Take(bytes);
            Assert.That((long)address % AlignedMemory.Alignment, Is.Zero);
            Assert.That(new ReadOnlySpan<byte>(address, (int)bytes).ContainsAnyExcept((byte)0), Is.False);
            new Span<byte>(address, (int)bytes).Fill(1);
            taken.Add(((nint)address, bytes));
        }

        foreach ((nint address, long bytes) in taken)
        {
            Assert.That(taken.Count(other => other.Address >= address && other.Address < address + bytes), Is.EqualTo(1));
        }
    }
}
