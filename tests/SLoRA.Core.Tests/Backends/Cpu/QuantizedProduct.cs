using SLoRA.Backends;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>
/// The int8 product in scalars, as the documentation states it: groups of 64 inputs, or of the 32 of a block of Q8_0, integers
/// round(x · (L / max |x|)) or those of the block, exact sums of a group, groups added in order by fused multiply-add, then the bias.
/// </summary>
internal static unsafe class QuantizedProduct
{
    /// <summary>One row times a weight <c>[outputs, inputs]</c>.</summary>
    public static float[] Multiply(WeightSource weight, float[]? bias, float[] x)
    {
        var y = new float[weight.Rows];
        int size = weight.Format == WeightFormat.Q8_0 ? 32 : 64;
        for (int output = 0; output < weight.Rows; output++)
        {
            float sum = 0;
            for (int first = 0; first < weight.Columns; first += size)
            {
                int count = Math.Min(size, weight.Columns - first);
                (int[] a, float activationScale) = Quantize(x.AsSpan(first, count), 32767);
                (int[] w, float weightScale) = weight.Format == WeightFormat.Q8_0
                    ? Block((byte*)weight.Data + (34L * ((output * (weight.Columns / 32)) + (first / 32))))
                    : Quantize(Row(weight, output).AsSpan(first, count), 127);
                long dot = 0;
                for (int i = 0; i < count; i++)
                {
                    dot += (long)a[i] * w[i];
                }

                sum = ScalarSum.Add((float)dot, weightScale * activationScale, sum);
            }

            y[output] = bias is null ? sum : sum + bias[output];
        }

        return y;
    }

    /// <summary>A row of a weight as fp32.</summary>
    public static float[] Row(WeightSource weight, int row)
    {
        var values = new float[weight.Columns];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Elements.Read(((PlainFormat)weight.Format).Type, (byte*)weight.Data, ((long)row * weight.Columns) + i);
        }

        return values;
    }

    private static (int[] Integers, float Scale) Block(byte* block) => (
        [.. new ReadOnlySpan<byte>(block + 2, 32).ToArray().Select(value => (int)(sbyte)value)],
        (float)BitConverter.UInt16BitsToHalf((ushort)(block[0] | (block[1] << 8))));

    private static (int[] Integers, float Scale) Quantize(ReadOnlySpan<float> x, int limit)
    {
        float largest = 0;
        foreach (float value in x)
        {
            if (!float.IsFinite(value))
            {
                return (new int[x.Length], float.NaN);
            }

            largest = Math.Max(largest, Math.Abs(value));
        }

        var integers = new int[x.Length];
        if (largest < 1e-30f)
        {
            return (integers, 0);
        }

        float inverse = limit / largest;
        for (int i = 0; i < integers.Length; i++)
        {
            integers[i] = (int)MathF.Round(x[i] * inverse, MidpointRounding.ToEven);
        }

        return (integers, largest / limit);
    }
}
