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

    [TestCase(128, 8)]
    [TestCase(8, 4)]
    [TestCase(5, 4)]
    [TestCase(3, 2)]
    [TestCase(1, 1)]
    public void No_shard_is_without_an_expert(int experts, int most)
    {
        Split split = Split.OfExperts(experts);

        Assert.That(split.Serves(most), Is.True);
        Assert.That(split.Serves(2 * most), Is.False);
        int[] ofLeaves = [.. Enumerable.Range(0, experts).GroupBy(split.LeafOf).Select(leaf => leaf.Count())];
        Assert.That(ofLeaves, Has.Length.EqualTo(split.Leaves));
        Assert.That(ofLeaves, Is.All.InRange(experts / split.Leaves, (experts / split.Leaves) + 1));
    }

    [Test]
    public void The_same_units_are_on_a_shard_whatever_columns_they_have()
    {
        Split wide = Split.OfHeads(9, 512), narrow = wide.With(1);
        Assert.That(narrow.Columns, Is.EqualTo(9));
        for (int shard = 0; shard < 8; shard++)
        {
            Assert.That(narrow.Of(shard, 8), Is.EqualTo(wide.UnitsOf(shard, 8)));
        }
    }

    /// <summary>q, k and v side by side: 4 heads of 8 columns, then twice 2 of them.</summary>
    [Test]
    public void Of_what_lies_side_by_side_a_shard_has_its_part_of_each()
    {
        Split queries = Split.OfHeads(4, 8), keys = Split.OfHeads(2, 8);
        Runs own = Partition.Outputs(queries, keys, keys).Of(1, 2);

        Assert.That(own.All, Is.EqualTo(new[] { new Run(16, 16), new Run(40, 8), new Run(56, 8) }));
        Assert.That(own.Count, Is.EqualTo(32));
        Assert.That(own.Ends, Is.EqualTo(new[] { 16, 24, 32 }));
        for (int column = 0; column < own.Count; column++)
        {
            Assert.That(own.Own(own.Whole(column)), Is.EqualTo(column));
        }

        Assert.That(own.Own(32), Is.Negative, "the first head of the keys is on the other shard");
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
