using SLoRA.Formats.Blocks;

namespace SLoRA.Backends.Cpu;

/// <summary>Lays the codes, scales and zeros of a weight of a <see cref="ZeroedFormat"/> out in panels; nothing is lost.</summary>
/// <typeparam name="T">How scales and zeros are kept.</typeparam>
internal sealed unsafe class ZeroedPackJob<T>(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
    where T : struct, IZeroCodes
{
    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        Span<byte> codes = stackalloc byte[ZeroedFormat.Elements];
        for (int j = 0; j < outputs; j++)
        {
            ReadOnlySpan<byte> row = source.Row(firstOutput + j);
            for (int g = 0; g < Matrix.Groups; g++)
            {
                ReadOnlySpan<byte> block = row.Slice(g * source.Format.BlockBytes, source.Format.BlockBytes);
                ZeroedFormat.ReadCodes(block, codes);
                byte* group = panel + ((nint)g * PackedLayout<FourBits, ZeroScales<T>, Groups32>.GroupBytes);
                PackedLayout<FourBits, ZeroScales<T>, Groups32>.Write(group, j, codes);
                ZeroScales<T>.Write(
                    group + PackedLayout<FourBits, ZeroScales<T>, Groups32>.ScalesAt, j, ZeroedFormat.ScaleBits(block),
                    ZeroedFormat.Zero(block));
            }
        }
    }
}
