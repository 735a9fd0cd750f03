using System.Runtime.Intrinsics;
using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed unsafe class LanesTests
{
    [SeededProperty]
    public void Sums_add_halves_onto_each_other(int seed)
    {
        var random = new Random(seed);
        float[] values = [.. Enumerable.Range(0, 16).Select(_ => (float)random.NextDouble())];
        float[] tree = [.. values];
        for (int half = 8; half > 0; half /= 2)
        {
            for (int i = 0; i < half; i++)
            {
                tree[i] += tree[i + half];
            }
        }

        Assert.That(Lanes.Sum(Vector512.Create(values)), Is.EqualTo(tree[0]));
        Assert.That(Lanes.Max(Vector512.Create(values)), Is.EqualTo(values.Max()));
    }

    [SeededProperty]
    public void Sums_of_many_vectors_are_those_of_each(int seed)
    {
        var random = new Random(seed);
        Vector512<float>* vectors = stackalloc Vector512<float>[16];
        float* sums = stackalloc float[16];
        for (int i = 0; i < 16; i++)
        {
            vectors[i] = Vector512.Create([.. Enumerable.Range(0, 16).Select(_ => (float)random.NextDouble() - 0.5f)]);
        }

        foreach (int count in (int[])[16, 4, 1])
        {
            Lanes.Sums(vectors, count, sums);
            for (int i = 0; i < count; i++)
            {
                Assert.That(sums[i], Is.EqualTo(Lanes.Sum(vectors[i])), $"{i} of {count}");
            }
        }
    }

    [Test]
    public void Every_half_precision_number_is_widened_exactly()
    {
        ushort* words = stackalloc ushort[16];
        for (int first = 0; first <= ushort.MaxValue; first += 16)
        {
            for (int i = 0; i < 16; i++)
            {
                words[i] = (ushort)(first + i);
            }

            Vector512<float> wide = F16Elements.Load16((byte*)words);
            for (int i = 0; i < 16; i++)
            {
                Assert.That(wide[i], Is.EqualTo((float)BitConverter.UInt16BitsToHalf(words[i])), $"{words[i]:x4}");
            }
        }
    }
}
