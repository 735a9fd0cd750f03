using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>
/// The product of integers in scalars, as the documentation states it: groups of 64 inputs, or those of a block format, integers
/// round(x · (L / max |x|)) or those of the block, exact sums of a group, groups added in order by fused multiply-add, what groups add
/// besides in a sum of its own, then the bias.
/// </summary>
internal static unsafe class QuantizedProduct
{
    /// <summary>One row times a weight <c>[outputs, inputs]</c>.</summary>
    public static float[] Multiply(WeightSource weight, float[]? bias, float[] x, bool isNarrow = false)
    {
        var y = new float[weight.Rows];
        for (int output = 0; output < weight.Rows; output++)
        {
            Group[] groups = Groups(weight, output);
            y[output] = Multiply(groups, x, isNarrow) + (bias is null ? 0 : bias[output]);
        }

        return y;
    }

    /// <summary>The sum of one output: products of integers group by group, then by itself what groups add besides.</summary>
    public static float Multiply(Group[] groups, float[] x, bool isNarrow = false)
    {
        float sum = 0, added = 0;
        int first = 0;
        foreach (Group group in groups)
        {
            int count = Math.Min(group.Integers.Length, x.Length - first);
            (int[] a, float scale) = Quantize(x.AsSpan(first, count), isNarrow ? 127 : 32767);
            long dot = 0;
            for (int i = 0; i < count; i++)
            {
                dot += (long)a[i] * group.Integers[i];
            }

            sum = ScalarSum.Add((float)dot, group.Scale * scale, sum);
            if (group.Offset is { } offset)
            {
                added = ScalarSum.Add(offset, a.Sum() * scale, added);
            }

            first += count;
        }

        return groups[0].Offset is null ? sum : sum + added;
    }

    /// <summary>A weight of one output: integers that share a scale, and perhaps what is added to each of them.</summary>
    public sealed record Group(int[] Integers, float Scale, float? Offset = null);

    /// <summary>The groups of one output.</summary>
    public static Group[] Groups(WeightSource weight, int output)
    {
        if (weight.Format is PlainFormat)
        {
            return [.. Row(weight, output).Chunk(64).Select(chunk =>
            {
                (int[] integers, float scale) = Quantize(chunk, 127);
                return new Group(integers, scale);
            })];
        }

        var groups = new List<Group>();
        ReadOnlySpan<byte> row = weight.Row(output);
        for (int at = 0; at < row.Length; at += weight.Format.BlockBytes)
        {
            ReadOnlySpan<byte> block = row.Slice(at, weight.Format.BlockBytes);
            if (weight.Format is CodedFormat coded)
            {
                byte[] codes = new byte[coded.BlockElements];
                coded.ReadCodes(block, codes);
                int[][] integers = [.. codes.Select(code => code - coded.Zero).Chunk(coded.GroupElements)];
                for (int i = 0; i < integers.Length; i++)
                {
                    GroupScale scale = coded.ReadScale(block, i);
                    groups.Add(new Group(integers[i], scale.Step, coded.Zero == 0 ? scale.Offset : null));
                }
            }
            else if (weight.Format is ZeroedFormat zeroed)
            {
                byte[] codes = new byte[ZeroedFormat.Elements];
                ZeroedFormat.ReadCodes(block, codes);
                float scale = zeroed == ZeroedFormat.Halves
                    ? (float)BitConverter.UInt16BitsToHalf(ZeroedFormat.ScaleBits(block))
                    : Elements.Widen(ZeroedFormat.ScaleBits(block));
                groups.Add(new Group([.. codes.Select(code => (int)code)], scale, -(scale * ZeroedFormat.Zero(block))));
            }
            else
            {
                for (int i = 0; i < weight.Format.BlockElements / 32; i++)
                {
                    sbyte[] integers = new sbyte[32];
                    float scale = ((IScaledIntegers)weight.Format).ReadIntegers(block, i, integers);
                    groups.Add(new Group([.. integers.Select(value => (int)value)], scale));
                }
            }
        }

        return [.. groups];
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
