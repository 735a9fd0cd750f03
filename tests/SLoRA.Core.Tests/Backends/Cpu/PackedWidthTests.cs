using System.Runtime.Intrinsics;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>Packed weights are the same bytes at every width of vectors, so that one image serves all.</summary>
internal sealed unsafe class PackedWidthTests
{
    [Test]
    public void Panels_are_the_same_bytes_with_vectors_of_256_bits_as_with_wider_ones()
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            Assert.Ignore("The processor has no vectors of 512 bits that could be left unused.");
        }

        string narrow = ChildProcess.Run(Digest, ("DOTNET_EnableAVX512", "0"));
        Assert.That(narrow, Does.StartWith("256 "));
        Assert.That(narrow[4..], Is.EqualTo(ChildProcess.Run(Digest)[4..]));
    }

    /// <summary>Writes checksums of one matrix of each kind.</summary>
    private static void Digest()
    {
        Console.Write($"{InstructionSets.VectorBits} ");
        WeightFormat[] formats =
        [
            WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16, WeightFormat.Q8_0, BlockFormats.Q4_0, BlockFormats.Q4K, BlockFormats.Q5K,
            BlockFormats.Q6K, BlockFormats.Iq4Xs, BlockFormats.Q3K,
        ];
        foreach (CpuWeights kept in Enum.GetValues<CpuWeights>())
        {
            using var backend = new CpuBackend(1, 0, 1, kept);
            foreach (WeightFormat format in formats)
            {
                using var twin = new Twin(7, 1);

                // Rows of five bits and of four, and a panel that is not full.
                foreach (int columns in (int[])[512, 1280])
                {
                    WeightSource source = format is PlainFormat { Type: var type }
                        ? twin.Weight(type, 37, columns)
                        : twin.Weight(format, 37, columns);
                    var matrix = (CpuMatrix)backend.LoadMatrix(source);
                    long bytes = CpuMatrix.BytesFor(matrix.Outputs, matrix.Inputs, matrix.Packing);
                    Console.WriteLine($"{kept} {format} {columns}: {Checksum.Of(new ReadOnlySpan<byte>(matrix.Data, (int)bytes)):x}");
                }
            }
        }
    }
}
