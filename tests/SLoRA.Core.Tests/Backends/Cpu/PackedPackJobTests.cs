using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>How weights of few bits lie in panels.</summary>
public sealed unsafe class PackedPackJobTests
{
    [SeededProperty(MaxTest = 10)]
    public void Panels_have_the_bytes_that_their_layout_says(int seed)
    {
        var random = new Random(seed);
        foreach (WeightFormat format in (WeightFormat[])[.. RandomBlocks.Packed, WeightFormat.Q8_0])
        {
            // Full and ragged panels; runs of 256 inputs and what is left behind them.
            int rows = random.Next(1, 40), columns = format.BlockElements * random.Next(1, format.BlockElements == 256 ? 4 : 20);
            using var twin = new Twin(seed, 1, threads: random.Next(1, 4));
            WeightSource weight = twin.Weight(format, rows, columns);

            var matrix = (CpuMatrix)twin.Cpu.LoadMatrix(weight);

            byte[] expected = ScalarPanels.Of(weight);
            Assert.That(CpuMatrix.BytesFor(rows, columns, matrix.Packing), Is.EqualTo(expected.Length), format.Name);
            int first = new ReadOnlySpan<byte>(matrix.Data, expected.Length).CommonPrefixLength(expected);
            Assert.That(first, Is.EqualTo(expected.Length), () => $"{format}, {rows} x {columns}: byte {first} of {expected.Length}");
        }
    }
}
