using SLoRA.Step;

namespace SLoRA.Backends.Reference;

/// <summary>Recurrences over the rows of a slice, as <see cref="Recurrence"/> reads.</summary>
internal static unsafe class ReferenceRecurrence
{
    /// <summary>Goes through the rows of one slice for one head; state <c>[n, p]</c>.</summary>
    public static void Run(StepSlice slice, float[][] x, float[][] steps, LoadedRecurrence recurrence, int head, float* state, float[][] y)
    {
        Recurrence shape = recurrence.Shape;
        int group = head / (shape.Heads / shape.Groups);
        float rate = ((ReferenceVector)recurrence.Rate).Values[head], bias = ((ReferenceVector)recurrence.Bias).Values[head];
        float skip = ((ReferenceVector?)recurrence.Skip)?.Values[head] ?? 0;
        var given = new float[shape.ValueColumns];
        for (int row = slice.FirstRow; row < slice.FirstRow + slice.RowCount; row++)
        {
            ReadOnlySpan<float> values = x[row].AsSpan(shape.FirstValue + (head * shape.ValueColumns), shape.ValueColumns);
            float[] key = Part(x[row], shape.FirstKey + (group * shape.KeyColumns), shape, scale: 1);
            float[] query = Part(x[row], shape.FirstQuery + (group * shape.KeyColumns), shape, 1 / MathF.Sqrt(shape.KeyColumns));
            float step = Softplus((shape.StepScale * steps[row][shape.FirstStep + head]) + bias);
            float decay = MathF.Exp(-rate * step);
            for (int c = 0; c < given.Length; c++)
            {
                given[c] = step * values[c];
                if (shape.FirstStrength is { } first)
                {
                    float kept = 0;
                    for (int i = 0; i < shape.KeyColumns; i++)
                    {
                        kept = MathF.FusedMultiplyAdd(state[(i * shape.ValueColumns) + c], key[i], kept);
                    }

                    given[c] = (values[c] - (decay * kept)) / (1 + MathF.Exp(-steps[row][first + head]));
                }

                float sum = 0;
                for (int i = 0; i < shape.KeyColumns; i++)
                {
                    ref float cell = ref state[(i * shape.ValueColumns) + c];
                    cell = MathF.FusedMultiplyAdd(key[i], given[c], decay * cell);
                    sum = MathF.FusedMultiplyAdd(cell, query[i], sum);
                }

                y[row][(head * shape.ValueColumns) + c] = MathF.FusedMultiplyAdd(skip, values[c], sum);
            }
        }
    }

    private static float[] Part(float[] row, int first, Recurrence shape, float scale)
    {
        float[] part = row.AsSpan(first, shape.KeyColumns).ToArray();
        if (shape.IsDelta)
        {
            float squares = Recurrence.LengthEpsilon + part.Sum(value => value * value);
            for (int i = 0; i < part.Length; i++)
            {
                part[i] = part[i] / MathF.Sqrt(squares) * scale;
            }
        }

        return part;
    }

    private static float Softplus(float x) => (float)(Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x))));
}
