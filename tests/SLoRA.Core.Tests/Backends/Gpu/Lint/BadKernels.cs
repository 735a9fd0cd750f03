using ILGPU;

namespace SLoRA.Core.Tests.Backends.Gpu.Lint;

/// <summary>Kernels that break one rule each, and one that breaks none.</summary>
internal static class BadKernels
{
    public static void Good(ArrayView<float> x) => x[Group.IdxX] = x[Group.IdxX + 1] + (Group.IdxX >> 2);

    public static void LocalArray(ArrayView<float> x)
    {
        ArrayView<float> values = LocalMemory.Allocate<float>(4);
        values[Group.IdxX & 3] = x[0];
        x[1] = values[(Group.IdxX + 1) & 3];
    }

    public static void FusedMultiplyAdd(ArrayView<float> x) => x[0] = MathF.FusedMultiplyAdd(x[1], x[2], x[3]);

    public static void CopySign(ArrayView<float> x) => x[0] = MathF.CopySign(x[1], x[2]);

    public static void OwnCall(ArrayView<float> x) => x[0] = MathF.ReciprocalSqrtEstimate(x[1]);

    public static void DoublePrecision(ArrayView<float> x) => x[0] = (float)(x[1] * 0.1);

    public static void TruthAsFloat(ArrayView<float> x) => x[0] = x[1] > 1 ? 1 : 0;

    public static void TooMuchShared(ArrayView<float> x)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(13_000);
        shared[Group.IdxX] = x[0];
        Group.Barrier();
        x[Group.IdxX] = shared[127 - Group.IdxX];
    }

    public static void SignedDivision(ArrayView<int> x) => x[0] = x[1] / 16;

    public static void UnsignedDivision(ArrayView<uint> x) => x[0] = x[1] / 16u;

    public static void WideDivision(ArrayView<long> x) => x[0] = x[1] / 32;

    public static void HiddenDivision(ArrayView<int> x) => x[0] = Divided(x[1], 16);

    /// <summary>The first position of a chunk, or 0 without chunks.</summary>
    public static void GuardedDivision(ArrayView<int> x, ChunkShape shape) =>
        x[Group.IdxX] = shape.Chunk > 0 ? x[1] - (x[1] % shape.Chunk) : 0;

    public static void DivisionByMemory(ArrayView<int> x) => x[0] = x[1] / x[2];

    public static void GoodDivisions(ArrayView<int> x, ChunkShape shape)
    {
        int chunk = shape.Chunk > 0 ? shape.Chunk : int.MaxValue;
        x[0] = (x[1] % chunk) + (x[2] / 3) + (x[3] / Math.Max(1, x[4])) + (x[5] % (x[6] | 1));
    }

    public static void Barriers(ArrayView<float> x)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(128);
        int thread = Group.IdxX;
        float sum = 0;
        for (int i = 0; i < 8; i++)
        {
            shared[thread] = x[(i * 128) + thread];
            Group.Barrier();
            float a = shared[thread ^ 1];
            float b = shared[thread ^ 2];
            Group.Barrier();
            sum += a * b;
        }

        x[thread] = sum;
    }

    private static int Divided(int a, int b) => a / b;
}

/// <summary>What a bad kernel divides by.</summary>
internal readonly struct ChunkShape(int rows, int chunk)
{
    public readonly int Rows = rows;

    /// <summary>Positions of a chunk; 0 for no chunks.</summary>
    public readonly int Chunk = chunk;
}
