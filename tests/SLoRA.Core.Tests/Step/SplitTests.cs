using NUnit.Framework;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Step;

public sealed class SplitTests
{
    [SeededProperty(MaxTest = 200)]
    public void Shards_have_all_columns_once_and_whole_units(int seed)
    {
        var random = new Random(seed);
        int columns = random.Next(8, 20_000);
        int headDim = 2 * random.Next(1, 65);
        foreach (Split split in (Split[])[Split.OfColumns(columns), Split.OfHeads(random.Next(1, 65), headDim)])
        {
            for (int shards = 1; split.Serves(shards); shards *= 2)
            {
                int end = 0;
                for (int shard = 0; shard < shards; shard++)
                {
                    (int first, int next) = split.Of(shard, shards);
                    Assert.That(first, Is.EqualTo(end));
                    Assert.That(next, Is.GreaterThan(first));
                    Assert.That(first % split.UnitColumns, Is.Zero);
                    end = next;
                }

                Assert.That(end, Is.EqualTo(split.Columns));
            }
        }
    }

    [SeededProperty(MaxTest = 200)]
    public void The_leaves_of_shards_are_those_of_one(int seed)
    {
        Split split = Split.OfColumns(new Random(seed).Next(8, 20_000));
        int[] whole = split.BordersOf(0, 1);
        Assert.That(whole, Has.Length.EqualTo(split.Leaves + 1).And.Ordered.Ascending);
        for (int shards = 2; split.Serves(shards); shards *= 2)
        {
            int[] joined =
                [0, .. Enumerable.Range(0, shards).SelectMany(shard =>
                    split.BordersOf(shard, shards).Skip(1).Select(border => split.Of(shard, shards).First + border))];
            Assert.That(joined, Is.EqualTo(whole));
        }
    }

    [TestCase(32, 8, 2, new[] { 0, 4, 4, 8 })]
    [TestCase(32, 2, 4, new[] { 0, 1, 0, 1, 1, 2, 1, 2 })]
    [TestCase(9, 3, 2, new[] { 0, 2, 1, 3 })]
    [TestCase(7, 1, 4, new[] { 0, 1, 0, 1, 0, 1, 0, 1 })]
    public void Key_heads_are_where_their_query_heads_are(int heads, int keys, int shards, int[] firstsAndEnds)
    {
        Split split = Split.OfKeys(new GroupedAttention { Heads = heads, KeyValueHeads = keys, HeadDim = 64, ScoreScale = 1 });
        int[] actual =
        [
            .. Enumerable.Range(0, shards).Select(shard => split.Of(shard, shards))
                .SelectMany(own => new[] { own.First / 64, own.End / 64 }),
        ];

        Assert.That(actual, Is.EqualTo(firstsAndEnds));
    }

    [TestCase(3, 16, 2)]
    [TestCase(1, 64, 1)]
    [TestCase(9, 64, 4)]
    [TestCase(32, 128, 8)]
    public void No_shard_is_without_a_head(int heads, int headDim, int most)
    {
        Split split = Split.OfHeads(heads, headDim);

        Assert.That(split.Serves(most), Is.True);
        Assert.That(split.Serves(2 * most), Is.False);
    }

    [Test]
    public void Ranks_and_columns_are_shared_evenly_and_some_may_have_none()
    {
        Assert.That(
            Enumerable.Range(0, 4).Select(shard => Shares.OfRanks(3, shard, 4)), Is.EqualTo(new[] { (0, 0), (0, 1), (1, 2), (2, 3) }));
        Assert.That(Enumerable.Range(0, 2).Select(shard => Shares.OfColumns(48, shard, 2)), Is.EqualTo(new[] { (0, 16), (16, 48) }));
        Assert.That(Enumerable.Range(0, 2).Select(shard => Shares.OfColumns(9, shard, 2)), Is.EqualTo(new[] { (0, 4), (4, 9) }));
    }
}
