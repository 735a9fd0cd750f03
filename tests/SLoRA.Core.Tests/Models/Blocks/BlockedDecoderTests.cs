using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Reference;

namespace SLoRA.Core.Tests.Models.Blocks;

/// <summary>Weights in blocks through the loader and whole steps: nothing above the backends knows what format a weight has.</summary>
internal sealed class BlockedDecoderTests
{
    [Test]
    public void The_Reference_gives_the_bits_of_the_widened_weights([Values(1, 2)] int seed)
    {
        using NamedWeights blocks = BlockedDecoder.Weights(seed);
        using NamedWeights wide = blocks.Widened();
        using var inBlocks = new ReferenceBackend(BlockedDecoder.Rows, BlockedDecoder.Rows);
        using var widened = new ReferenceBackend(BlockedDecoder.Rows, BlockedDecoder.Rows);

        Assert.That(
            BlockedDecoder.Logits(inBlocks, blocks.Source), Is.EqualTo(BlockedDecoder.Logits(widened, wide.Source)));
    }

    [Test]
    public void The_Cpu_differs_by_the_rounding_of_activations_to_16_bits(
        [Values(1, 2)] int seed, [Values(CpuWeights.AsStored, CpuWeights.Int8)] CpuWeights weights)
    {
        using NamedWeights blocks = BlockedDecoder.Weights(seed);
        using NamedWeights wide = blocks.Widened();
        using var reference = new ReferenceBackend(BlockedDecoder.Rows, BlockedDecoder.Rows);
        using var cpu = new CpuBackend(BlockedDecoder.Rows, BlockedDecoder.Rows, threads: 2, weights);
        using var quantized = new CpuBackend(BlockedDecoder.Rows, BlockedDecoder.Rows, threads: 2, CpuWeights.Int8);

        float[][] expected = BlockedDecoder.Logits(reference, blocks.Source);
        double size = expected.Max(row => row.Max(Math.Abs));

        // With Int8 the parts in bf16 and half precision are rounded to 8 bits; the blocks stay what they are, which is a fraction of the
        // error that rounding all of the weights again would make.
        double error = Error(BlockedDecoder.Logits(cpu, blocks.Source), expected);
        double again = Error(BlockedDecoder.Logits(quantized, wide.Source), expected);
        Assert.That(error, Is.LessThan(weights == CpuWeights.AsStored ? 2e-4 * size : again));
        Assert.That(error, Is.GreaterThan(0));
    }

    private static double Error(float[][] actual, float[][] expected) =>
        actual.Zip(expected).Max(rows => rows.First.Zip(rows.Second).Max(pair => Math.Abs((double)pair.First - pair.Second)));
}
