using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>y = w ∘ (x / √(mean(x²) + ε))</c> over spans of n columns: whole rows, or heads within a row. Squares are summed in 16 lanes, column
/// c in lane c mod 16, and the lanes by one fixed tree.
/// </summary>
internal sealed unsafe class NormJob(int workers) : RowJob(workers)
{
    private CpuRows _x = null!;
    private CpuRows _y = null!;
    private CpuVector _weight = null!;
    private float _epsilon;
    private int _firstColumn;
    private int _spans;
    private CpuRows? _added;
    private NormWeights? _own;

    /// <summary>
    /// Sets the next norm of <paramref name="spans"/> spans side by side and says in how many parts it comes. Rows may have weights of
    /// their own.
    /// </summary>
    public int Prepare(CpuRows x, CpuRows y, int firstColumn, int spans, CpuVector weight, float epsilon, int rows,
        NormWeights? own = null)
    {
        _own = own;
        _x = x;
        _y = y;
        _firstColumn = firstColumn;
        _spans = spans;
        _weight = weight;
        _epsilon = epsilon;
        _added = null;
        return Prepare(rows, spans * weight.Length);
    }

    /// <summary>Sets <c>x += added</c> and the norm of the sum over whole rows, and says in how many parts it comes.</summary>
    public int PrepareSum(CpuRows x, CpuRows added, CpuRows y, CpuVector weight, float epsilon, int rows, NormWeights? own = null)
    {
        Prepare(x, y, 0, 1, weight, epsilon, rows, own);
        _added = added;
        return Prepare(rows, 2 * weight.Length);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        if (_added is not null)
        {
            AddJob.Add(_x.Row(row), _added.Row(row), _x.Width);
        }

        int width = _weight.Length;
        float* weight = _own is null ? _weight.Data : _own.Of(row, _weight.Data);
        for (int span = 0; span < _spans; span++)
        {
            int column = _firstColumn + (span * width);
            Norm(_x.Row(row) + column, _y.Row(row) + column, weight, width);
        }
    }

    private void Norm(float* x, float* y, float* weight, int width)
    {
        Vector512<float> squares = Vector512<float>.Zero;
        int i = 0;
        for (; i + Lanes.Count <= width; i += Lanes.Count)
        {
            Vector512<float> values = Vector512.Load(x + i);
            squares = MultiplyAdd.Of(values, values, squares);
        }

        if (i < width)
        {
            Vector512<float> values = Lanes.LoadFirst(x + i, width - i);
            squares = MultiplyAdd.Of(values, values, squares);
        }

        float factor = 1 / MathF.Sqrt((Lanes.Sum(squares) / width) + _epsilon);
        for (i = 0; i + Lanes.Count <= width; i += Lanes.Count)
        {
            (Vector512.Load(weight + i) * (Vector512.Load(x + i) * factor)).Store(y + i);
        }

        for (; i < width; i++)
        {
            y[i] = weight[i] * (x[i] * factor);
        }
    }
}
