using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary><c>y[p] = x[row(p)]</c> for every routed row p, times its weight where wanted.</summary>
internal sealed unsafe class SpreadJob(int workers) : RowJob(workers)
{
    private CpuRows _x = null!;
    private CpuRows _y = null!;
    private CpuRoutes _routes = null!;
    private bool _weighted;

    /// <summary>Sets the next copy and says in how many parts it comes.</summary>
    public int Prepare(CpuRows x, CpuRoutes routes, bool weighted, CpuRows y, int rows)
    {
        _x = x;
        _y = y;
        _routes = routes;
        _weighted = weighted;
        return Prepare(rows, x.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        int choice = _routes.ChoiceOf[row];
        float* x = _x.Row(choice / _routes.Chosen);
        float* y = _y.Row(row);
        if (!_weighted)
        {
            new ReadOnlySpan<float>(x, _x.Width).CopyTo(new Span<float>(y, _x.Width));
            return;
        }

        float weight = _routes.Weight[choice];
        int i = 0;
        for (; i + Lanes.Count <= _x.Width; i += Lanes.Count)
        {
            (Vector512.Load(x + i) * weight).Store(y + i);
        }

        for (; i < _x.Width; i++)
        {
            y[i] = x[i] * weight;
        }
    }
}
