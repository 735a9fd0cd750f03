using ILGPU;
using ILGPU.Runtime;
using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Intrinsics;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Core.Tests.Backends.Gpu.Ptx;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>A warp's products, told from matrices whose elements the fragment tables of the PTX ISA put into lanes.</summary>
internal static unsafe class FragmentChecks
{
    private const int Lanes = 32;

    /// <summary>
    /// Every element of A meets every one of B alone: A [32, 16] is zero but for one element of each of its two tiles, and B's elements
    /// differ, so that each place of C says which it was given.
    /// </summary>
    public static void Products(GpuDevice device, KernelLoader loader)
    {
        Products(device, loader.Load<ProbeLauncher>(ProductProbe.Run));
        Products(device, loader.Load<ProbeLauncher>(ProductProbe.RunWide));
        Products(device, loader.Load<ProbeLauncher>(ProductProbe.RunTerms));
    }

    private static void Products(GpuDevice device, ProbeLauncher launch)
    {
        using var arena = new DeviceArena(device, 16 << 10, "a test");
        ArrayView<uint> left = arena.Take<uint>(8 * KernelLoader.GroupSize);
        ArrayView<uint> right = arena.Take<uint>(2 * KernelLoader.GroupSize);
        ArrayView<float> sums = arena.Take<float>(8 * KernelLoader.GroupSize);
        for (int row = 0; row < 16; row++)
        {
            for (int k = 0; k < 16; k++)
            {
                // Warp w has its one at row + w, so that warps that mixed their lanes would be seen.
                Func<int, int, int, float> a = (warp, i, j) => i % 16 == (row + warp) % 16 && j == k ? (i < 16 ? 1 : 2) : 0;
                Upload(device, left, Packed(8, (warp, lane, element) =>
                {
                    (int i, int j) = FragmentTables.A(lane, element % 8);
                    return a(warp, i + (16 * (element / 8)), j);
                }));
                Upload(device, right, Packed(2, (warp, lane, element) =>
                {
                    (int j, int column) = FragmentTables.B(lane, element);
                    return B(column, j) + warp;
                }));
                launch(device.Stream, Launch.Groups(1), left.Cast<Words4>(), right.Cast<Words2>(), sums.Cast<Floats4>());
                float[] actual = Download(device, sums);
                for (int i = 0; i < actual.Length; i++)
                {
                    int thread = i / 8;
                    (int warp, int lane) = (thread / Lanes, thread % Lanes);
                    (int c, int column) = FragmentTables.C(lane, i % 4);
                    int tile = i % 8 / 4;
                    float expected = 0.5f + (a(warp, c + (16 * tile), k) * (B(column, k) + warp));
                    Assert.That(actual[i], Is.EqualTo(expected), $"one at ({row}, {k}), thread {thread}, place {i % 8}");
                }
            }
        }
    }

    /// <summary>Whole numbers below 256, which bfloat16 holds.</summary>
    private static float B(int column, int k) => 1 + (column * 16) + k;

    private static uint[] Packed(int words, Func<int, int, int, float> element)
    {
        var packed = new uint[words * KernelLoader.GroupSize];
        for (int i = 0; i < packed.Length * 2; i++)
        {
            int thread = i / (2 * words);
            uint bits = BitConverter.SingleToUInt32Bits(element(thread / Lanes, thread % Lanes, i % (2 * words))) >> 16;
            packed[i / 2] |= bits << (16 * (i & 1));
        }

        return packed;
    }

    private static void Upload(GpuDevice device, ArrayView<uint> target, uint[] values)
    {
        fixed (uint* source = values)
        {
            device.Upload(source, target.Cast<byte>());
            device.Synchronize();
        }
    }

    private static float[] Download(GpuDevice device, ArrayView<float> source)
    {
        var values = new float[source.Length];
        fixed (float* target = values)
        {
            device.Download(source.Cast<byte>(), target);
            device.Synchronize();
        }

        return values;
    }
}

/// <summary>Launches <see cref="ProductProbe.Run"/>.</summary>
internal delegate void ProbeLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<Words4> left, ArrayView<Words2> right, ArrayView<Floats4> sums);

/// <summary>Each thread's fragments as they lie in memory: <c>C = A Bᵀ + 1/2</c> of each warp.</summary>
internal static class ProductProbe
{
    public static void Run(ArrayView<Words4> left, ArrayView<Words2> right, ArrayView<Floats4> sums)
    {
        int thread = Group.IdxX;
        Floats4 half;
        half.X = 0.5f;
        half.Y = 0.5f;
        half.Z = 0.5f;
        half.W = 0.5f;
        Sums32x8 c;
        c.Upper = half;
        c.Lower = half;
        c = WarpProduct.Multiply(c, left[2 * thread], left[(2 * thread) + 1], right[thread]);
        sums[2 * thread] = c.Upper;
        sums[(2 * thread) + 1] = c.Lower;
    }

    /// <summary>The same by the products with two tiles of B: of one the left side, of the other the right.</summary>
    public static void RunWide(ArrayView<Words4> left, ArrayView<Words2> right, ArrayView<Floats4> sums)
    {
        int thread = Group.IdxX;
        Floats4 half;
        half.X = 0.5f;
        half.Y = 0.5f;
        half.Z = 0.5f;
        half.W = 0.5f;
        Sums16x16 c;
        c.Left = half;
        c.Right = half;
        var none = new Words2(0, 0);
        sums[2 * thread] = WarpProduct.Multiply(c, left[2 * thread], right[thread], none).Left;
        sums[(2 * thread) + 1] = WarpProduct.Multiply(c, left[(2 * thread) + 1], none, right[thread]).Right;
    }

    /// <summary>The same by the products of three terms, two of which are zero.</summary>
    public static void RunTerms(ArrayView<Words4> left, ArrayView<Words2> right, ArrayView<Floats4> sums)
    {
        int thread = Group.IdxX;
        Floats4 half;
        half.X = 0.5f;
        half.Y = 0.5f;
        half.Z = 0.5f;
        half.W = 0.5f;
        Sums16x16 c;
        c.Left = half;
        c.Right = half;
        var zeros = new Words4(0, 0, 0, 0);
        var none = new Words2(0, 0);
        sums[2 * thread] = WarpProduct.MultiplyTerms(c, left[2 * thread], zeros, zeros, right[thread], none).Left;
        sums[(2 * thread) + 1] = WarpProduct.MultiplyTerms(c, zeros, zeros, left[(2 * thread) + 1], none, right[thread]).Right;
    }
}
