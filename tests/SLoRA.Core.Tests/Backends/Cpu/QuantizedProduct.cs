using SLoRA.Backends;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>
/// The int8 product in scalars, as the documentation states it: groups of 64 inputs, integers round(x · (L / max |x|)), exact sums of a
/// group, groups added in order by fused multiply-add, then the bias.
/// </summary>
internal static unsafe class QuantizedProduct
{
    private const int Group = 64;

    /// <summary>One row times a weight <c>[outputs, inputs]</c>.</summary>
    public static float[] Multiply(WeightSource weight, float[]? bias, float[] x)
    {
        var y = new float[weight.Rows];
        for (int output = 0; output < weight.Rows; output++)
        {
            float sum = 0;
            for (int first = 0; first < weight.Columns; first += Group)
            {
                int count = Math.Min(Group, weight.Columns - first);
                (int[] a, float activationScale) = Quantize(x.AsSpan(first, count), 32767);
                (int[] w, float weightScale) = Quantize(Row(weight, output).AsSpan(first, count), 127);
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
            values[i] = Elements.Read(weight.Type, (byte*)weight.Data, ((long)row * weight.Columns) + i);
        }

        return values;
    }

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
