using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>A rotary embedding with the cosines and sines of the current step: <c>[T, pairs]</c> each, pairs padded to 16.</summary>
internal sealed unsafe class CpuRope : DeviceRope
{
    private readonly RopeDescription _description;

    /// <summary>Makes room for the angles of <paramref name="rowLimit"/> rows in <paramref name="memory"/>.</summary>
    public CpuRope(RopeDescription description, int rowLimit, AlignedMemory memory)
    {
        _description = description;
        Pairs = description.InverseFrequencies.Length;
        Stride = StrideFor(description);
        Cosines = memory.Floats;
        Sines = memory.Floats + (rowLimit * Stride);
    }

    /// <summary>Rotated pairs per head.</summary>
    public int Pairs { get; }

    /// <summary>Elements from one row to the next.</summary>
    public nint Stride { get; }

    /// <summary>Cosines, scaled by the attention factor.</summary>
    public float* Cosines { get; }

    /// <summary>Sines, scaled by the attention factor.</summary>
    public float* Sines { get; }

    /// <summary>Bytes that the angles of <paramref name="rowLimit"/> rows need.</summary>
    public static long BytesFor(RopeDescription description, int rowLimit) => 2L * rowLimit * StrideFor(description) * sizeof(float);

    /// <summary>Computes the angles of a step's rows.</summary>
    public void SetPositions(ReadOnlySpan<int> positions)
    {
        ReadOnlySpan<float> frequencies = _description.InverseFrequencies.AsSpan();
        for (int row = 0; row < positions.Length; row++)
        {
            for (int i = 0; i < frequencies.Length; i++)
            {
                float angle = positions[row] * frequencies[i];
                Cosines[(row * Stride) + i] = MathF.Cos(angle) * _description.AttentionFactor;
                Sines[(row * Stride) + i] = MathF.Sin(angle) * _description.AttentionFactor;
            }
        }
    }

    private static nint StrideFor(RopeDescription description) => (description.InverseFrequencies.Length + 15) & ~15;
}
