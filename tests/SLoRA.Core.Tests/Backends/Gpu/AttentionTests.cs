using NUnit.Framework;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

[NonParallelizable]
[DeviceFixture]
public sealed class AttentionTests
{
    private static readonly int[] Dims = [2, 8, 12, 16, 24, 40, 64, 130];

    [SeededProperty(MaxTest = 50)]
    public void Attention_agrees_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        Chunk[] chunks = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => AnyChunk(random))];
        int rowLimit = Math.Max(64, chunks.Sum(chunk => chunk.Count));
        using GpuTwin twin = SharedDevice.Twin(seed, rowLimit);
        AttentionChecks.Agree(twin, AnyAttention(random), twin.AnyCacheType(), 1 << random.Next(0, 6), rowLimit, chunks);
    }

    [Test]
    public void Splits_agree_with_the_Reference_at_their_borders(
        [Values(254, 255, 256, 257, 511, 512, 767, 1100)] int position, [Values(null, 1, 255, 256, 257, 600)] int? window)
    {
        using GpuTwin twin = SharedDevice.Twin(position, 300);
        GroupedAttention attention = Layouts.Attention(4, 2, 8, window);
        AttentionChecks.Agree(twin, attention, Twin.CacheTypes[position % 4], 16, 300, new Chunk(position, 1), new Chunk(position - 2, 5));
    }

    [Test]
    public void The_widest_heads_agree_with_the_Reference([Values(0, 1, 2, 3)] int type)
    {
        using GpuTwin twin = SharedDevice.Twin(type, 300);
        AttentionChecks.Agree(twin, Layouts.Attention(2, 1, 512), Twin.CacheTypes[type], 16, 300, new Chunk(280, 1), new Chunk(0, 3));
    }

    [Test]
    public void A_row_has_the_same_bits_whether_its_splits_have_a_group_each_or_one_for_all(
        [Values(256, 511, 512, 767, 1100)] int position, [Values(null, 1, 300, 700)] int? window, [Values(0, 1, 2, 3)] int type)
    {
        using GpuTwin twin = SharedDevice.Twin(position, 300);
        GroupedAttention attention = Layouts.Attention(3, 1, 24, window);
        var cache = new Sequence(twin, attention, Twin.CacheTypes[type], position + 1, 300);
        float[] parted = cache.Attend(new Chunk(position, 1))[0];
        float[] whole = cache.Attend(new Chunk(position - 1, 2))[1];
        Assert.That(parted, Is.EqualTo(whole));
    }

    [Test]
    public void More_splits_than_places_for_their_results_give_the_same_bits()
    {
        // 512 times two splits fill the places; the other sequences' rows go through their splits alone.
        const int Sequences = 600;
        using GpuTwin twin = SharedDevice.Twin(1, Sequences);
        var cache = new Sequence(twin, Layouts.Attention(1, 1, 8), TensorType.F16, 300, Sequences);
        float[][] rows = cache.Attend([.. Enumerable.Repeat(new Chunk(299, 1), Sequences)]);
        Assert.That(rows, Is.All.EqualTo(rows[0]));
    }

    [SeededProperty(MaxTest = 25)]
    public void A_row_has_the_same_bits_in_any_chunks_beside_any_other_rows(int seed)
    {
        var random = new Random(seed);
        GroupedAttention attention = AnyAttention(random);
        int length = random.Next(1, random.Next(3) == 0 ? 900 : 120);
        TensorType type = Twin.CacheTypes[random.Next(4)];
        float[][] expected;
        using (GpuTwin twin = SharedDevice.Twin(seed, length))
        {
            var cache = new Sequence(twin, attention, type, length, length);
            expected = cache.Attend(new Chunk(0, length));
        }

        using GpuTwin mixed = SharedDevice.Twin(seed, length + 50);
        var other = new Sequence(mixed, attention, type, length, length);
        for (int position = 0; position < length;)
        {
            int count = Math.Min(length - position, random.Next(1, random.Next(2) == 0 ? 4 : 200));
            var before = new Chunk(0, random.Next(1, Math.Min(length, 20) + 1));
            var behind = new Chunk(length - 1, 1);
            float[][] rows = other.Attend(before, new Chunk(position, count), behind);
            Assert.That(rows[before.Count..(before.Count + count)], Is.EqualTo(expected[position..(position + count)]),
                $"from position {position}");
            position += count;
        }
    }

    [Test]
    public void A_value_that_is_not_finite_reaches_no_row_that_does_not_see_it(
        [Values(0, 1, 2, 3)] int type, [Values(null, 20)] int? window)
    {
        using GpuTwin twin = SharedDevice.Twin(type, 90);
        GroupedAttention attention = Layouts.Attention(4, 2, 12, window);
        const int Length = NotFiniteChecks.Length;
        NotFiniteChecks.Values(new Sequence(twin, attention, Twin.CacheTypes[type], Length, Length), attention, Twin.CacheTypes[type]);
    }

    [Test]
    public void Scores_that_are_no_numbers_are_not_left_out([Values(0, 1, 2, 3)] int type)
    {
        using GpuTwin twin = SharedDevice.Twin(type, 300);
        GroupedAttention attention = Layouts.Attention(2, 1, 8);
        var sequence = new Sequence(twin, attention, Twin.CacheTypes[type], 300, 300);
        NotFiniteChecks.Keys(sequence, attention, 256, new Chunk(256, 1), new Chunk(254, 4), new Chunk(299, 1));
    }

    [Test]
    public void Splits_whose_scores_are_all_minus_infinity_have_no_weight([Values(0, 1, 2, 3)] int type, [Values(256, 512)] int weighed)
    {
        using GpuTwin twin = SharedDevice.Twin(type, UnweighedKeyChecks.LengthOf(weighed));
        UnweighedKeyChecks.Splits(twin, Twin.CacheTypes[type], weighed);
    }

    private static GroupedAttention AnyAttention(Random random)
    {
        int keyValueHeads = random.Next(1, 4);
        int group = random.Next(4) == 0 ? random.Next(1, 12) : random.Next(1, 5);
        int? window = random.Next(3) == 0 ? random.Next(1, 200) : null;
        float? cap = random.Next(3) == 0 ? random.Next(1, 60) : null;
        return Layouts.Attention(keyValueHeads * group, keyValueHeads, Dims[random.Next(Dims.Length)], window) with { ScoreCap = cap };
    }

    private static Chunk AnyChunk(Random random) => random.Next(3) switch
    {
        0 => new Chunk(0, random.Next(1, 40)),
        1 => new Chunk(random.Next(1, 300), 1),
        _ => new Chunk(random.Next(1, 80), random.Next(1, 30)),
    };
}
