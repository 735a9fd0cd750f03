using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>y = w ∘ (x / √(mean(x²) + ε))</c> in place over heads side by side, which are normed together, in two jobs: the sum of the squares of
/// each head, in 16 lanes and by one fixed tree, and then, with those of all heads, head after head, the norm of those that are here. Where
/// all are here, the two are one job.
/// </summary>
internal sealed unsafe class HeadsNormJob(int workers) : RowJob(workers)
{
    private CpuRows _x = null!;
    private CpuRows _squares = null!;
    private CpuVector _weight = null!;
    private NormWeights? _own;
    private int _firstColumn;
    private int _headDim;
    private int _firstHead;
    private int _columns;
    private float _epsilon;
    private bool _sums;
    private bool _norms;

    /// <summary>Sets the next norm of heads that are all here, and says in how many parts it comes.</summary>
    public int Prepare(
        CpuRows x, int firstColumn, int headDim, CpuVector weight, float epsilon, NormWeights? own, CpuRows squares, int rows)
    {
        PrepareSums(x, firstColumn, weight.Length / headDim, headDim, 0, squares, rows);
        int parts = PrepareNorm(weight, epsilon, own, rows);
        _sums = true;
        return parts;
    }

    /// <summary>Sets the next sums of squares and says in how many parts they come.</summary>
    /// <param name="x">The rows.</param>
    /// <param name="firstColumn">The first column of the heads that are here.</param>
    /// <param name="heads">How many are here.</param>
    /// <param name="headDim">Columns of a head.</param>
    /// <param name="firstHead">Which of all heads is the first that is here.</param>
    /// <param name="squares">Where the sums go, a column for each of all heads.</param>
    /// <param name="rows">Rows.</param>
    public int PrepareSums(CpuRows x, int firstColumn, int heads, int headDim, int firstHead, CpuRows squares, int rows)
    {
        (_x, _firstColumn, _headDim, _firstHead, _squares) = (x, firstColumn, headDim, firstHead, squares);
        _columns = heads * headDim;
        _sums = true;
        _norms = false;
        return Prepare(rows, _columns);
    }

    /// <summary>Sets the norm that belongs to these sums, of which all are there now, and says in how many parts it comes.</summary>
    /// <param name="weight">The weight of the columns that are here.</param>
    /// <param name="epsilon">What is added to the mean square.</param>
    /// <param name="own">Weights that rows have in its place; null for none.</param>
    /// <param name="rows">Rows.</param>
    public int PrepareNorm(CpuVector weight, float epsilon, NormWeights? own, int rows)
    {
        (_weight, _epsilon, _own) = (weight, epsilon, own);
        _sums = false;
        _norms = true;
        return Prepare(rows, _columns);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        float* x = _x.Row(row) + _firstColumn;
        float* squares = _squares.Row(row);
        if (_sums)
        {
            for (int column = 0; column < _columns; column += _headDim)
            {
                squares[_firstHead + (column / _headDim)] = Squares(x + column, _headDim);
            }
        }

        if (!_norms)
        {
            return;
        }

        float sum = 0;
        for (int head = 0; head < _squares.Width; head++)
        {
            sum += squares[head];
        }

        float factor = 1 / MathF.Sqrt((sum / (_squares.Width * _headDim)) + _epsilon);
        float* weight = _own is null ? _weight.Data : _own.Of(row, _weight.Data);
        int i = 0;
        for (; i + Lanes.Count <= _columns; i += Lanes.Count)
        {
            (Vector512.Load(weight + i) * (Vector512.Load(x + i) * factor)).Store(x + i);
        }

        for (; i < _columns; i++)
        {
            x[i] = weight[i] * (x[i] * factor);
        }
    }

    private static float Squares(float* x, int count)
    {
        Vector512<float> squares = Vector512<float>.Zero;
        int i = 0;
        for (; i + Lanes.Count <= count; i += Lanes.Count)
        {
            Vector512<float> values = Vector512.Load(x + i);
            squares = MultiplyAdd.Of(values, values, squares);
        }

        if (i < count)
        {
            Vector512<float> values = Lanes.LoadFirst(x + i, count - i);
            squares = MultiplyAdd.Of(values, values, squares);
        }

        return Lanes.Sum(squares);
    }
}
