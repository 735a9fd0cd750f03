using ILGPU;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>fp32 rows; their memory is handed out when all rows of the decoder are known.</summary>
internal sealed class GpuRows(RowSet rows, int width, int limit, int copies = 1) : DeviceRows(rows, width, copies)
{
    /// <summary>The most rows.</summary>
    public int Limit { get; } = limit;

    /// <summary><c>[limit, width]</c>.</summary>
    public ArrayView<float> Values { get; set; }

    /// <summary>Elements.</summary>
    public long Length => (long)Limit * Width;
}

/// <summary>A base weight <c>[outputs, inputs]</c>, row-major.</summary>
internal sealed class GpuMatrix(WeightSource source, WeightKernels kernels, ArrayView<byte> bytes, TensorWeightKernels? tensor)
    : DeviceMatrix(source.Rows, source.Columns)
{
    /// <summary>How its elements lie.</summary>
    public WeightFormat Format { get; } = source.Format;

    /// <summary>The kernels that read it.</summary>
    public WeightKernels Kernels { get; } = kernels;

    /// <summary>Its rows.</summary>
    public ArrayView<byte> Bytes { get; } = bytes;

    /// <summary>Where its products are computed on tensor cores, the kernels.</summary>
    public TensorWeightKernels? Tensor { get; } = tensor;
}

/// <summary>An embedding table <c>[entries, width]</c>, row-major.</summary>
internal sealed class GpuTable(WeightSource source, WeightKernels kernels, ArrayView<byte> bytes)
    : DeviceTable(source.Rows, source.Columns)
{
    /// <summary>The kernels that read it.</summary>
    public WeightKernels Kernels { get; } = kernels;

    /// <summary>Its rows.</summary>
    public ArrayView<byte> Bytes { get; } = bytes;
}

/// <summary>An fp32 vector.</summary>
/// <param name="values">The elements.</param>
/// <param name="target">The norm that it is the weight of, among what adapters change.</param>
/// <param name="heads">The heads that it norms together, as shards share them; null where it does not.</param>
internal sealed class GpuVector(ArrayView<float> values, int target, Split? heads = null) : DeviceVector((int)values.Length, target)
{
    /// <summary>The heads that it norms together.</summary>
    public Split? Heads { get; } = heads;

    /// <summary>The elements.</summary>
    public ArrayView<float> Values { get; } = values;
}

/// <summary>The angles of a rotary embedding, made on the host: devices compute sines of large angles badly.</summary>
internal sealed unsafe class GpuRope(RopeDescription description) : DeviceRope, IDisposable
{
    private readonly float[] _frequencies = [.. description.InverseFrequencies];
    private GpuDevice? _device;
    private HostBuffer? _rows;

    /// <summary>
    /// <c>[positions, 2n]</c>, or <c>[T, 2n]</c> for a step's rows where frequencies depend on the length of the sequence: n cosines, then
    /// n sines, scaled by the attention factor.
    /// </summary>
    public ArrayView<float> Angles { get; private set; }

    /// <summary>What kernels are told.</summary>
    public RotationShape Shape { get; } =
        new(description.Pairs, description.PairApart, description.PairStep, description.Lengths is null ? 0 : 1);

    /// <summary>Elements of the angles; one that nobody reads where nothing turns, as kernels take no views of nothing.</summary>
    /// <param name="positions">Positions of a sequence.</param>
    /// <param name="rowLimit">The most rows of a step.</param>
    public long Length(int positions, int rowLimit) =>
        Math.Max(1, (long)(description.Lengths is null ? positions : rowLimit) * description.Columns);

    /// <summary>Takes memory for the angles, and computes and sends those of all positions.</summary>
    /// <param name="device">The device.</param>
    /// <param name="angles">Memory of <see cref="Length"/> elements; it becomes <see cref="Angles"/>.</param>
    public void Send(GpuDevice device, ArrayView<float> angles)
    {
        Angles = angles;
        _device = device;
        int columns = description.Columns;
        if (columns == 0)
        {
            return;
        }

        int positions = (int)(angles.Length / columns);
        if (description.Lengths is not null)
        {
            _rows = new HostBuffer(device, angles.Length * sizeof(float));
            return;
        }

        int rowsAtOnce = Math.Max(1, (1 << 20) / columns);
        using var staging = new HostBuffer(device, (long)rowsAtOnce * columns * sizeof(float));
        for (int first = 0; first < positions; first += rowsAtOnce)
        {
            int count = Math.Min(rowsAtOnce, positions - first);
            for (int i = 0; i < count; i++)
            {
                Compute(first + i, staging.Span<float>((long)i * columns * sizeof(float), columns));
            }

            ArrayView<byte> target = angles.SubView((long)first * columns, (long)count * columns).Cast<byte>();
            device.Upload(staging.Address, target);
            device.Synchronize();
        }
    }

    /// <summary>Computes and sends the angles of a step's rows, where they depend on more than the position.</summary>
    public void SetPositions(StepPlan plan)
    {
        if (_rows is null || plan.RowCount == 0)
        {
            return;
        }

        int columns = description.Columns;
        foreach (StepSlice slice in plan.Slices)
        {
            for (int i = 0; i < slice.RowCount; i++)
            {
                description.Frequencies(slice.LengthAt(slice.FirstPosition + i), _frequencies);
                Compute(slice.FirstPosition + i, _rows.Span<float>((slice.FirstRow + i) * (long)columns * sizeof(float), columns));
            }
        }

        _device!.Upload(_rows.Address, Angles.SubView(0, (long)plan.RowCount * columns).Cast<byte>());
    }

    public void Dispose() => _rows?.Dispose();

    private void Compute(int position, Span<float> angles)
    {
        int half = _frequencies.Length;
        for (int i = 0; i < half; i++)
        {
            float angle = position * _frequencies[i];
            angles[i] = MathF.Cos(angle) * description.AttentionFactor;
            angles[half + i] = MathF.Sin(angle) * description.AttentionFactor;
        }
    }
}
