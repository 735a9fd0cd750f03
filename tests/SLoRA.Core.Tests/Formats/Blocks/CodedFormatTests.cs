using NUnit.Framework;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Tests.Formats.Blocks;

/// <summary>Codes and scales of runs of blocks, against <see cref="ScalarBlock"/>.</summary>
public sealed class CodedFormatTests
{
    [SeededProperty(MaxTest = 20)]
    public void Runs_of_blocks_have_the_codes_and_scales_of_their_bits(int seed)
    {
        var random = new Random(seed);
        foreach (CodedFormat format in RandomBlocks.Packed.OfType<CodedFormat>())
        {
            int count = random.Next(1, 10), groups = format.BlockElements / format.GroupElements;
            byte[] blocks = RandomBlocks.Make(format, count * format.BlockElements, () => (float)((random.NextDouble() * 2) - 1));
            byte[] codes = new byte[count * format.BlockElements];
            var scales = new GroupScale[count * groups];

            format.ReadCodes(blocks, codes);
            format.ReadScales(blocks, scales);

            for (int i = 0; i < codes.Length; i++)
            {
                Assert.That(codes[i], Is.EqualTo(ScalarBlock.Code(format, Block(i / format.BlockElements), i % format.BlockElements)),
                    $"{format.Name}, element {i}");
            }

            for (int i = 0; i < scales.Length; i++)
            {
                GroupScale own = scales[i];
                Assert.That(
                    (BitConverter.HalfToUInt16Bits(own.Scale), BitConverter.HalfToUInt16Bits(own.Minimum), own.Factor, own.MinimumFactor),
                    Is.EqualTo(ScalarBlock.Scale(format, Block(i / groups), i % groups)), $"{format.Name}, group {i}");
                Assert.That(format.ReadScale(Block(i / groups), i % groups), Is.EqualTo(own));
            }

            ReadOnlySpan<byte> Block(int i) => blocks.AsSpan(i * format.BlockBytes, format.BlockBytes);
        }
    }

    [SeededProperty(MaxTest = 30)]
    public void Runs_of_blocks_with_zeros_have_the_codes_of_their_bits(int seed)
    {
        var random = new Random(seed);
        byte[] blocks = new byte[random.Next(1, 10) * ZeroedFormat.Halves.BlockBytes];
        random.NextBytes(blocks);
        byte[] codes = new byte[blocks.Length / ZeroedFormat.Halves.BlockBytes * ZeroedFormat.Elements];

        ZeroedFormat.ReadCodes(blocks, codes);

        for (int i = 0; i < codes.Length; i++)
        {
            ReadOnlySpan<byte> block = blocks.AsSpan(i / ZeroedFormat.Elements * ZeroedFormat.Halves.BlockBytes);
            Assert.That(codes[i], Is.EqualTo(ScalarBlock.Code(ZeroedFormat.Halves, block, i % ZeroedFormat.Elements)), $"element {i}");
        }
    }
}
