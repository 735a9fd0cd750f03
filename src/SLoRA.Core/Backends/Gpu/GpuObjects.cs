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
internal sealed class GpuMatrix(WeightSource source, WeightKernels kernels, ArrayView<byte> bytes)
    : DeviceMatrix(source.Rows, source.Columns)
{
    /// <summary>How its elements lie.</summary>
    public WeightFormat Format { get; } = source.Format;

    /// <summary>The kernels that read it.</summary>
    public WeightKernels Kernels { get; } = kernels;

    /// <summary>The blocks.</summary>
    public ArrayView<byte> Bytes { get; } = bytes;
}

/// <summary>An embedding table <c>[entries, width]</c>, row-major as stored.</summary>
internal sealed class GpuTable(WeightSource source, WeightKernels kernels, ArrayView<byte> bytes)
    : DeviceTable(source.Rows, source.Columns)
{
    /// <summary>The kernels that read it.</summary>
    public WeightKernels Kernels { get; } = kernels;

    /// <summary>The blocks.</summary>
    public ArrayView<byte> Bytes { get; } = bytes;
}

/// <summary>An fp32 vector.</summary>
internal sealed class GpuVector(ArrayView<float> values, int target) : DeviceVector((int)values.Length, target)
{
    /// <summary>The elements.</summary>
    public ArrayView<float> Values { get; } = values;
}

/// <summary>The angles of a rotary embedding, made on the host: devices compute sines of large angles badly.</summary>
internal sealed unsafe class GpuRope(RopeDescription description) : DeviceRope
{
    /// <summary><c>[positions, d]</c>: d/2 cosines, then d/2 sines, scaled by the attention factor.</summary>
    public ArrayView<float> Angles { get; set; }

    /// <summary>Columns of a head, d.</summary>
    public int HeadDim => 2 * description.InverseFrequencies.Length;

    /// <summary>Computes the angles of all positions and sends them to the device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="angles">Memory for them; it becomes <see cref="Angles"/>.</param>
    public void Send(GpuDevice device, ArrayView<float> angles)
    {
        Angles = angles;
        int positions = (int)(angles.Length / HeadDim);
        int rowsAtOnce = Math.Max(1, (1 << 20) / HeadDim);
        using var staging = new HostBuffer(device, (long)rowsAtOnce * HeadDim * sizeof(float));
        for (int first = 0; first < positions; first += rowsAtOnce)
        {
            int count = Math.Min(rowsAtOnce, positions - first);
            for (int i = 0; i < count; i++)
            {
                Compute(first + i, staging.Span<float>((long)i * HeadDim * sizeof(float), HeadDim));
            }

            ArrayView<byte> target = angles.SubView((long)first * HeadDim, (long)count * HeadDim).Cast<byte>();
            device.Upload(staging.Address, target);
            device.Synchronize();
        }
    }

    private void Compute(int position, Span<float> angles)
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
