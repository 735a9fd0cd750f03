namespace SLoRA.Backends.Cpu;

/// <summary>Quantizes a weight of any format into panels of int8 weights.</summary>
/// <typeparam name="T">The groups, of 64 or 32 inputs.</typeparam>
internal sealed unsafe class QuantizedPackJob<T>(WeightSource source, CpuMatrix matrix, int parts)
    : NumberPackJob(source, matrix, parts, Int8Layout<T>.GroupInputs)
    where T : struct, IInt8Groups
{
    /// <summary>What products take of a row: its numbers as integers times scales.</summary>
    public static void Round(Span<float> row)
    {
        int size = Int8Layout<T>.GroupInputs;
        float* numbers = stackalloc float[size];
        short* integers = stackalloc short[size];
        for (int first = 0; first < row.Length; first += size)
        {
            Span<float> group = row.Slice(first, Math.Min(size, row.Length - first));
            new Span<float>(numbers, size).Clear();
            group.CopyTo(new Span<float>(numbers, size));
            float scale = Int8Group.Quantize<T>(numbers, Int8Layout.WeightLimit, integers);
            for (int i = 0; i < group.Length; i++)
            {
                group[i] = integers[i] * scale;
            }
        }
    }

    /// <inheritdoc/>
    protected override void Quantize(float* numbers, byte* panel, int group) =>
        OwnBytes<T>.Quantize(numbers, panel + ((nint)group * Int8Layout<T>.GroupBytes));
}
