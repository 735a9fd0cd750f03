using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed unsafe class TileProductTests
{
    [SeededProperty(MaxTest = 60)]
    public void Blocks_have_the_bits_of_sums_in_order_at_the_width_of_the_machine_and_at_256_and_128_bits(int seed)
    {
        var random = new Random(seed);
        switch (random.Next(4))
        {
            case 0:
                Check<F32Elements>(random, TensorType.F32);
                break;
            case 1:
                Check<F16Elements>(random, TensorType.F16);
                break;
            case 2:
                Check<I8Elements>(random, TensorType.I8);
                break;
            default:
                Check<Bf16Elements>(random, TensorType.BF16);
                break;
        }
    }

    [SeededProperty(MaxTest = 60)]
    public void One_entry_along_rank_rows_has_the_bits_of_sums_in_order(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        int columns = 16 * random.Next(1, 9);
        using AlignedMemory b = Numbers(random, TensorType.BF16, rows * columns);
        using AlignedMemory v = Numbers(random, TensorType.F32, rows);
        using AlignedMemory y = Numbers(random, TensorType.F32, columns);
        float[] expected = Expected(v.Floats, rows, b.Address, TensorType.BF16, columns, y.Floats, columns, 1, columns, rows);
        RankRowSum.Add<Bf16Elements>(v.Floats, b.Address, columns * 2, y.Floats, columns, rows, 0);
        Assert.That(new ReadOnlySpan<float>(y.Floats, columns).ToArray(), Is.EqualTo(expected));
    }

    private static void Check<T>(Random random, TensorType type)
        where T : struct, IElements
    {
        int m = random.Next(1, 16);
        int k = random.Next(1, 70);
        using AlignedMemory x = Numbers(random, TensorType.F32, m * k);
        using AlignedMemory w = Numbers(random, type, k * 64);
        using AlignedMemory y = Numbers(random, TensorType.F32, m * 64);
        using var halves = new AlignedMemory(y.Bytes);
        Buffer.MemoryCopy(y.Address, halves.Address, halves.Bytes, m * 64 * sizeof(float));
        float[] expected = Expected(x.Floats, k, w.Address, type, 64, y.Floats, 64, m, 64, k);
        nint size = T.Size;
        byte* at = w.Address;
        TileProduct.Add<T>(x.Floats, k, at, 64 * size, y.Floats, 64, m, 64, k);
        if (ScalarSum.IsFused)
        {
            // Memory may be asked for wherever it lies.
            nint ahead = random.Next(2) * 4096;
            TileProduct256.Add64<T>(
                x.Floats, k, at, at + (16 * size), at + (32 * size), at + (48 * size), 64 * size, halves.Floats, 64, m, k, ahead);
        }
        else
        {
            TileProduct.Add<T>(x.Floats, k, at, 64 * size, halves.Floats, 64, m, 64, k);
        }

        Assert.Multiple(() =>
        {
            Assert.That(new ReadOnlySpan<float>(y.Floats, m * 64).ToArray(), Is.EqualTo(expected));
            Assert.That(new ReadOnlySpan<float>(halves.Floats, m * 64).ToArray(), Is.EqualTo(expected));
        });

        float[] narrow = Expected(x.Floats, k, at, type, 64, y.Floats, 64, m, 16, k);
        TileProduct128.Add16<T>(x.Floats, k, at, 64 * size, y.Floats, 64, m, k);
        Assert.That(new ReadOnlySpan<float>(y.Floats, m * 64).ToArray(), Is.EqualTo(narrow));
    }

    /// <summary>y <c>[m, n]</c> plus x <c>[m, k]</c> times w <c>[k, columns]</c>, every element by itself.</summary>
    private static float[] Expected(
        float* x, int xStride, byte* w, TensorType type, int columns, float* y, int yStride, int m, int n, int k)
    {
        float[] expected = new ReadOnlySpan<float>(y, ((m - 1) * yStride) + columns).ToArray();
        for (int row = 0; row < m; row++)
        {
            for (int column = 0; column < n; column++)
            {
                for (int i = 0; i < k; i++)
                {
                    ref float sum = ref expected[(row * yStride) + column];
                    sum = ScalarSum.Add(Element(type, w, ((long)i * columns) + column), x[(row * xStride) + i], sum);
                }
            }
        }

        return expected;
    }

    private static AlignedMemory Numbers(Random random, TensorType type, int count)
    {
        var memory = new AlignedMemory((long)count * type.ElementSize());
        for (int i = 0; i < count; i++)
        {
            if (type == TensorType.I8)
            {
                memory.Address[i] = (byte)random.Next(256);
                continue;
            }

            Elements.Write(type, memory.Address, i, (float)((random.NextDouble() * 2) - 1));
        }

        return memory;
    }

    private static float Element(TensorType type, byte* data, long index) =>
        type == TensorType.I8 ? (sbyte)data[index] : Elements.Read(type, data, index);
}
