using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>y[t] = Σ weight · x[p]</c> over the routed rows p of row t, the best expert first; without weights where they have been applied
/// already.
/// </summary>
internal sealed unsafe class CombineJob(int workers) : RowJob(workers)
{
    private CpuRows _x = null!;
    private CpuRows _y = null!;
    private CpuRoutes _routes = null!;
    private bool _weighted;

    /// <summary>Sets the next sum and says in how many parts it comes.</summary>
    public int Prepare(CpuRows x, CpuRoutes routes, bool weighted, CpuRows y, int rows)
    {
        _x = x;
        _y = y;
        _routes = routes;
        _weighted = weighted;
        return Prepare(rows, x.Width * routes.Chosen);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        float* y = _y.Row(row);
        int width = _y.Width;
        new Span<float>(y, width).Clear();
        for (int choice = row * _routes.Chosen; choice < (row + 1) * _routes.Chosen; choice++)
        {
            Add(y, _x.Row(_routes.RowOf[choice]), _weighted ? _routes.Weight[choice] : 1, width);
        }
    }

    /// <summary><c>y += weight · x</c>, the product rounded once with the sum where the machine can.</summary>
    internal static void Add(float* y, float* x, float weight, int width)
    {
        Vector512<float> weights = Vector512.Create(weight);
        int i = 0;
        for (; i + Lanes.Count <= width; i += Lanes.Count)
        {
            MultiplyAdd.Of(Vector512.Load(x + i), weights, Vector512.Load(y + i)).Store(y + i);
        }

        for (; i < width; i++)
        {
            y[i] = MultiplyAdd.Of(x[i], weight, y[i]);
        }
    }
}
