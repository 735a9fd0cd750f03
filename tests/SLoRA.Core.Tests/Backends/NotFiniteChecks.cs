using NUnit.Framework;
using SLoRA.Core.Tests.Backends.Gpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends;

/// <summary>A sequence whose rows have, whenever they are computed, the same queries, keys and values.</summary>
internal interface IAttendedSequence
{
    /// <summary>
    /// Makes a query, key or value of a position another from its next row on, and gives what it was. <paramref name="column"/> is that of
    /// the row.
    /// </summary>
    float Replace(int position, int column, float number);

    /// <summary>Attends in one step from rows that may stand in it several times; gives their results in order.</summary>
    float[][] Attend(params ReadOnlySpan<Chunk> chunks);
}

/// <summary>
/// Keys and values that are not finite in the middle of a chunk: rows that see them get numbers that are not finite, all others the very
/// bits that they get without them.
/// </summary>
internal static class NotFiniteChecks
{
    // Over the border of a block of 64.
    private const int First = 50;
    private const int Count = 40;

    /// <summary>Positions that a sequence has.</summary>
    public const int Length = First + Count;

    /// <summary>One column of one value of the last key head.</summary>
    public static void Values(IAttendedSequence sequence, GroupedAttention attention, TensorType type)
    {
        int d = attention.HeadDim;
        int head = attention.KeyValueHeads - 1;
        float[][] clean = sequence.Attend(new Chunk(First, Count));
        foreach ((int position, int column, float number) in (ReadOnlySpan<(int, int, float)>)
            [(First + 3, d - 1, float.NaN), (66, 0, float.PositiveInfinity), (Length - 2, d / 2, float.NegativeInfinity)])
        {
            int place = ((attention.Heads + attention.KeyValueHeads + head) * d) + column;
            float finite = sequence.Replace(position, place, number);
            float[][] rows = sequence.Attend(new Chunk(First, Count));
            sequence.Replace(position, place, finite);
            AssertReached(
                clean, rows, First, attention, (row, ofKey, at) => Sees(attention, row, position) && ofKey == head
                    && (at == column || type == TensorType.I8));
        }

        Assert.That(sequence.Attend(new Chunk(First, Count)), Is.EqualTo(clean), "all are finite again");
    }

    /// <summary>All keys of the first key head from a position on: of whole blocks and splits no score is a number.</summary>
    public static void Keys(IAttendedSequence sequence, GroupedAttention attention, int from, params Chunk[] chunks)
    {
        int length = chunks.Max(chunk => chunk.End);
        float[][][] clean = [.. chunks.Select(chunk => sequence.Attend(chunk))];
        for (int position = from; position < length; position++)
        {
            sequence.Replace(position, attention.Heads * attention.HeadDim, float.NaN);
        }

        _ = sequence.Attend(new Chunk(from, length - from));
        for (int i = 0; i < chunks.Length; i++)
        {
            AssertReached(
                clean[i], sequence.Attend(chunks[i]), chunks[i].First, attention, (row, ofKey, _) => row >= from && ofKey == 0);
        }
    }

    private static bool Sees(GroupedAttention attention, int row, int position) =>
        position <= row && position >= attention.Sight.FirstVisible(row);

    private static void AssertReached(
        float[][] clean, float[][] rows, int first, GroupedAttention attention, Func<int, int, int, bool> reaches)
    {
        int d = attention.HeadDim;
        for (int row = 0; row < rows.Length; row++)
        {
            for (int i = 0; i < rows[row].Length; i++)
            {
                string place = $"position {first + row}, head {i / d}, column {i % d}";
                if (reaches(first + row, i / d / attention.HeadsPerKey, i % d))
                {
                    Assert.That(float.IsFinite(rows[row][i]), Is.False, place);
                }
                else
                {
                    Assert.That(rows[row][i], Is.EqualTo(clean[row][i]), place);
                }
            }
        }
    }
}
