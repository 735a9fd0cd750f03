using ILGPU;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>fp32 rows; their memory is handed out when all rows of the decoder are known.</summary>
internal sealed class GpuRows(RowSet rows, int width, int limit) : DeviceRows(rows, width)
{
    /// <summary>The most rows.</summary>
    public int Limit { get; } = limit;

    /// <summary><c>[limit, width]</c>.</summary>
    public ArrayView<float> Values { get; set; }

    /// <summary>Elements.</summary>
    public long Length => (long)Limit * Width;
}

/// <summary>A base weight <c>[outputs, inputs]</c>, row-major as stored.</summary>
internal sealed class GpuMatrix(int outputs, int inputs, TensorType type, ArrayView<byte> bytes) : DeviceMatrix(outputs, inputs)
{
    /// <summary>Element type.</summary>
    public TensorType Type { get; } = type;

    /// <summary>The elements.</summary>
    public ArrayView<byte> Bytes { get; } = bytes;
}

/// <summary>An embedding table <c>[entries, width]</c>, row-major as stored.</summary>
internal sealed class GpuTable(int entries, int width, TensorType type, ArrayView<byte> bytes) : DeviceTable(entries, width)
{
    /// <summary>Element type.</summary>
    public TensorType Type { get; } = type;

    /// <summary>The elements.</summary>
    public ArrayView<byte> Bytes { get; } = bytes;
}

/// <summary>An fp32 vector.</summary>
internal sealed class GpuVector(ArrayView<float> values) : DeviceVector((int)values.Length)
{
    /// <summary>The elements.</summary>
    public ArrayView<float> Values { get; } = values;
}

/// <summary>The angles of a rotary embedding, made on the host: devices compute sines of large angles badly.</summary>
internal sealed class GpuRope(RopeDescription description) : DeviceRope
{
    /// <summary><c>[positions, d]</c>: d/2 cosines, then d/2 sines, scaled by the attention factor.</summary>
    public ArrayView<float> Angles { get; set; }

    /// <summary>Columns of a head, d.</summary>
    public int HeadDim => 2 * description.InverseFrequencies.Length;

    /// <summary>Computes the angles of a position.</summary>
    public void Compute(int position, Span<float> angles)
    {
        int half = description.InverseFrequencies.Length;
        for (int i = 0; i < half; i++)
        {
            float angle = position * description.InverseFrequencies[i];
            angles[i] = MathF.Cos(angle) * description.AttentionFactor;
            angles[half + i] = MathF.Sin(angle) * description.AttentionFactor;
        }
    }
}
