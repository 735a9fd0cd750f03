using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Eight numbers in a row, each in its own register.</summary>
internal struct Eight
{
    public Floats4 First;
    public Floats4 Second;

    /// <summary><c>sum + Σ this[i] · other[i]</c>, i ascending.</summary>
    public readonly float AddTo(float sum, Eight other)
    {
        float total = sum;
        total += First.X * other.First.X;
        total += First.Y * other.First.Y;
        total += First.Z * other.First.Z;
        total += First.W * other.First.W;
        total += Second.X * other.Second.X;
        total += Second.Y * other.Second.Y;
        total += Second.Z * other.Second.Z;
        total += Second.W * other.Second.W;
        return total;
    }

    /// <summary>Adds <c>factor · other</c>.</summary>
    public void Add(float factor, Eight other)
    {
        First.X += factor * other.First.X;
        First.Y += factor * other.First.Y;
        First.Z += factor * other.First.Z;
        First.W += factor * other.First.W;
        Second.X += factor * other.Second.X;
        Second.Y += factor * other.Second.Y;
        Second.Z += factor * other.Second.Z;
        Second.W += factor * other.Second.W;
    }
}
