using SLoRA.Formats.Blocks;

namespace SLoRA.Formats.Quantization;

/// <summary>
/// A weight of codes that groups of inputs have scales and zero points for: <c>w[o, i] = (q[o, i] - z[o, g]) · scale[o, g]</c>.
/// </summary>
/// <param name="groupOf">The group of each input.</param>
internal abstract class CodedRows(int[] groupOf) : RowDecoder
{
    /// <summary>The format that holds such a weight as it is, or else fp32.</summary>
    /// <param name="bits">Bits of a code.</param>
    /// <param name="scales">The type of scales.</param>
    /// <param name="groupOf">The group of each input.</param>
    public static WeightFormat FormatOf(int bits, TensorType scales, int[] groupOf)
    {
        if (bits != 4 || groupOf.Length % ZeroedFormat.Elements != 0)
        {
            return WeightFormat.F32;
        }

        for (int i = 0; i < groupOf.Length; i++)
        {
            if (groupOf[i] != groupOf[i / ZeroedFormat.Elements * ZeroedFormat.Elements])
            {
                return WeightFormat.F32;
            }
        }

        return (WeightFormat?)ZeroedFormat.With(scales) ?? WeightFormat.F32;
    }

    /// <inheritdoc/>
    public sealed override void Widen(int row, Span<float> values)
    {
        byte[] codes = new byte[values.Length];
        ReadCodes(row, codes);
        int group = -1;
        float zero = 0, scale = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (groupOf[i] != group)
            {
                group = groupOf[i];
                (zero, scale) = ReadScale(row, group);
            }

            values[i] = (codes[i] - zero) * scale;
        }
    }

    /// <inheritdoc/>
    public sealed override void Write(int row, ZeroedFormat format, Span<byte> blocks)
    {
        byte[] codes = new byte[groupOf.Length];
        ReadCodes(row, codes);
        for (int i = 0; i < codes.Length; i += ZeroedFormat.Elements, blocks = blocks[format.BlockBytes..])
        {
            (float zero, float scale) = ReadScale(row, groupOf[i]);
            format.Write(codes.AsSpan(i, ZeroedFormat.Elements), zero, scale, blocks);
        }
    }

    /// <summary>Gives the codes of a row.</summary>
    protected abstract void ReadCodes(int row, Span<byte> codes);

    /// <summary>Gives the zero point and the scale of a group of a row.</summary>
    protected abstract (float Zero, float Scale) ReadScale(int row, int group);
}
