using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed unsafe class BlockValuesTests
{
    private const int Columns = 32;

    [SeededProperty]
    public void Every_query_adds_what_it_sees_in_order(int seed)
    {
        using var block = new RandomBlock(new Random(seed), Columns);
        AttentionScratch scratch = block.Scratch;
        BlockValues.Add(block.Seen, block.Task.Group, scratch, Columns);
        for (int q = 0; q < block.Task.Queries; q++)
        {
            for (int column = 0; column < Columns; column++)
            {
                float expected = RandomBlock.Sum;
                foreach (int i in block.SeenBy(q / block.Task.Group))
                {
                    expected = ScalarSum.Add(scratch.Values[(i * Columns) + column], scratch.Scores[(q * 64) + i], expected);
                }

                Assert.That(scratch.Sums[(q * Columns) + column], Is.EqualTo(expected), $"query {q}, column {column}");
            }
        }
    }

    [SeededProperty]
    public void A_value_that_is_no_number_reaches_those_alone_who_see_it(int seed)
    {
        var random = new Random(seed);
        using var block = new RandomBlock(random, Columns);
        int position = random.Next(64);
        new Span<float>(block.Scratch.Values + (position * Columns), Columns).Fill(float.NaN);
        BlockValues.Add(block.Seen, block.Task.Group, block.Scratch, Columns);
        for (int q = 0; q < block.Task.Queries; q++)
        {
            bool isSeen = block.SeenBy(q / block.Task.Group).Contains(position);
            Assert.That(float.IsNaN(block.Scratch.Sums[q * Columns]), Is.EqualTo(isSeen), $"query {q}");
        }
    }
}
