using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>y = w ∘ (x − mean(x)) / √(mean((x − mean(x))²) + ε) + b</c> over whole rows. Sums run in 16 lanes, column c in lane c mod 16, and
/// the lanes by one fixed tree.
/// </summary>
internal sealed unsafe class LayerNormJob(int workers) : RowJob(workers)
{
    private CpuRows _x = null!;
    private CpuRows _y = null!;
    private CpuVector _weight = null!;
    private CpuVector? _bias;
    private float _epsilon;
    private NormWeights? _own;

    /// <summary>
    /// Sets the next norm and says in how many parts it comes. Rows may have weights of their own, and offsets that are added.
    /// </summary>
    public int Prepare(CpuRows x, CpuRows y, CpuVector weight, CpuVector? bias, float epsilon, int rows, NormWeights? own = null)
    {
        _own = own;
        _x = x;
        _y = y;
        _weight = weight;
        _bias = bias;
        _epsilon = epsilon;
        return Prepare(rows, 2 * weight.Length);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        int width = _weight.Length;
        float* x = _x.Row(row);
        Vector512<float> sums = Vector512<float>.Zero;
        int i = 0;
        for (; i + Lanes.Count <= width; i += Lanes.Count)
        {
            sums += Vector512.Load(x + i);
        }

        if (i < width)
        {
            sums += Lanes.LoadFirst(x + i, width - i);
        }

        float mean = Lanes.Sum(sums) / width;
        Vector512<float> squares = Vector512<float>.Zero;
        for (i = 0; i + Lanes.Count <= width; i += Lanes.Count)
        {
            Vector512<float> values = Vector512.Load(x + i) - Vector512.Create(mean);
            squares = MultiplyAdd.Of(values, values, squares);
        }

        if (i < width)
        {
            Vector512<int> inside = Vector512.LessThan(Lanes.Indices, Vector512.Create(width - i));
            Vector512<float> values = (Lanes.LoadFirst(x + i, width - i) - Vector512.Create(mean)) & inside.AsSingle();
            squares = MultiplyAdd.Of(values, values, squares);
        }

        float factor = 1 / MathF.Sqrt((Lanes.Sum(squares) / width) + _epsilon);
        float* y = _y.Row(row);
        float* weight = _own is null ? _weight.Data : _own.Of(row, _weight.Data);
        float* offset = _own is null ? null : _own.OffsetOf(row);
        for (i = 0; i < width; i++)
        {
            float normed = weight[i] * ((x[i] - mean) * factor);
            normed = _bias is null ? normed : normed + _bias.Data[i];
            y[i] = offset is null ? normed : normed + offset[i];
        }
    }
}
