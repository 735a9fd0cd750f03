using NUnit.Framework;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>Keys whose products with every query are below the smallest number: scores of −∞, which have the weight 0.</summary>
internal static class UnweighedKeyChecks
{
    private const int Columns = 64;
    private const int Rows = 20;

    /// <summary>Positions of a sequence.</summary>
    public static int LengthOf(int weighed) => weighed + Rows;

    /// <summary>
    /// Whole splits of such keys, before the position <paramref name="weighed"/>: rows get the very bits that they get where they do not
    /// see these positions.
    /// </summary>
    public static void Splits(GpuTwin twin, TensorType type, int weighed)
    {
        int length = LengthOf(weighed);
        GroupedAttention attention = Layouts.Attention(2, 1, Columns);
        var sequence = new Sequence(twin, attention, type, length, length);
        foreach (int column in (ReadOnlySpan<int>)[(Columns / 2) - 1, Columns - 1])
        {
            // The pair that turns by less than a tenth over the whole sequence, so that no sign changes.
            for (int position = 0; position < length; position++)
            {
                sequence.Replace(position, column, 1e36f);
                sequence.Replace(position, Columns + column, 1e36f);
                sequence.Replace(position, (2 * Columns) + column, position < weighed ? -3e4f : 0);
            }
        }

        _ = sequence.Attend(new Chunk(0, length));
        foreach (Chunk chunk in (ReadOnlySpan<Chunk>)[new(weighed, 1), new(length - 1, 1), new(weighed, Rows)])
        {
            float[][] rows = sequence.Attend(chunk);
            for (int row = 0; row < rows.Length; row++)
            {
                int position = chunk.First + row;
                float[] seen = sequence.Attend(attention with { Window = position - weighed + 1 }, new Chunk(position, 1))[0];
                Assert.That(rows[row], Is.EqualTo(seen).And.All.Matches<float>(float.IsFinite), $"position {position}");
            }
        }
    }
}
