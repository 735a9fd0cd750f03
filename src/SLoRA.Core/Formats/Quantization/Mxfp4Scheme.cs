using System.Collections.Immutable;

namespace SLoRA.Formats.Quantization;

/// <summary>
/// MXFP4 of experts: <c>w[e, i, o] = value[code] · 2^(scales[e, o, i / 32] - 127)</c>, in the file with inputs and outputs the other way
/// round. Exact in bf16.
/// </summary>
internal sealed class Mxfp4Scheme(ConfigObject config) : QuantizationScheme(config)
{
    private const int Block = 32;
    private const int NoNumber = 255;

    /// <inheritdoc/>
    public override string CodesEnding => "_blocks";

    /// <summary>Everything but the experts is.</summary>
    /// <inheritdoc/>
    public override bool IsLeftOut(string module) => true;

    /// <inheritdoc/>
    public override QuantizedModule Describe(string module, ImmutableArray<long> shape, TensorParts parts)
    {
        if (shape is not [var experts, var inputs, var outputs])
        {
            throw parts.Error(parts.Entry(module + CodesEnding), "is of no module with experts");
        }

        if (inputs % Block != 0)
        {
            throw parts.Error(parts.Entry(module + CodesEnding), $"has {inputs} inputs, no whole number of blocks of {Block}");
        }

        TensorEntry codes = parts.Entry(module + CodesEnding, TensorType.U8, experts, outputs, inputs / Block, Block / 2),
            scales = parts.Entry(module + "_scales", TensorType.U8, experts, outputs, inputs / Block);
        return new QuantizedModule([codes.Name, scales.Name], WeightFormat.BF16, () =>
        {
            byte[] exponents = parts.Bytes(scales);
            int at = Array.IndexOf(exponents, (byte)NoNumber);
            return at < 0
                ? new Rows(parts.Bytes(codes), exponents, (int)inputs, (int)outputs)
                : throw parts.Error(scales, $"has NaN at element {at}");
        });
    }

    /// <summary>Rows are inputs of an expert, one expert after the other.</summary>
    private sealed class Rows(byte[] codes, byte[] exponents, int inputs, int outputs) : RowDecoder
    {
        private static readonly float[] Values = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6];

        public override void Widen(int row, Span<float> values)
        {
            (int expert, int input) = Math.DivRem(row, inputs);
            for (int output = 0; output < outputs; output++)
            {
                long block = ((((long)expert * outputs) + output) * (inputs / Block)) + (input / Block);
                int code = codes[(block * (Block / 2)) + (input % Block / 2)] >> (4 * (input % 2)) & 15;
                values[output] = MathF.ScaleB(Values[code], exponents[block] - 127);
            }
        }
    }
}
