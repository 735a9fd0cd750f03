using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>A rotary embedding with the cosines and sines of the current step: <c>[T, pairs]</c> each, pairs padded to 16.</summary>
internal sealed unsafe class CpuRope : DeviceRope
{
    private readonly RopeDescription _description;
    private readonly float[] _frequencies;

    /// <summary>Makes room for the angles of <paramref name="rowLimit"/> rows in <paramref name="memory"/>.</summary>
    public CpuRope(RopeDescription description, int rowLimit, AlignedMemory memory)
    {
        _description = description;
        _frequencies = [.. description.InverseFrequencies];
        Stride = StrideFor(description);
        Cosines = memory.Floats;
        Sines = memory.Floats + (rowLimit * Stride);
    }

    /// <summary>Rotated pairs per head.</summary>
    public int Pairs => _frequencies.Length;

    /// <summary>Whether the columns of a pair are side by side.</summary>
    public bool AdjacentPairs => _description.AdjacentPairs;

    /// <summary>Elements from one row to the next.</summary>
    public nint Stride { get; }

    /// <summary>Cosines, scaled by the attention factor.</summary>
    public float* Cosines { get; }

    /// <summary>Sines, scaled by the attention factor.</summary>
    public float* Sines { get; }

    /// <summary>Bytes that the angles of <paramref name="rowLimit"/> rows need.</summary>
    public static long BytesFor(RopeDescription description, int rowLimit) => 2L * rowLimit * StrideFor(description) * sizeof(float);

    /// <summary>Computes the angles of a step's rows.</summary>
    public void SetPositions(StepPlan plan)
    {
        ReadOnlySpan<int> positions = plan.Positions;
        if (_description.Lengths is null)
        {
            for (int row = 0; row < positions.Length; row++)
            {
                SetPosition(row, positions[row]);
            }

            return;
        }

        foreach (StepSlice slice in plan.Slices)
        {
            for (int row = slice.FirstRow; row < slice.FirstRow + slice.RowCount; row++)
            {
                _description.Frequencies(slice.LengthAt(positions[row]), _frequencies);
                SetPosition(row, positions[row]);
            }
        }
    }

    private void SetPosition(int row, int position)
    {
        for (int i = 0; i < _frequencies.Length; i++)
        {
            float angle = position * _frequencies[i];
            Cosines[(row * Stride) + i] = MathF.Cos(angle) * _description.AttentionFactor;
            Sines[(row * Stride) + i] = MathF.Sin(angle) * _description.AttentionFactor;
        }
    }

    private static nint StrideFor(RopeDescription description) => (description.InverseFrequencies.Length + 15) & ~15;
}
