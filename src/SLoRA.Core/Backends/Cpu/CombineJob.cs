using System.Runtime.Intrinsics;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>y[t] = Σ weight · x[p]</c> over the routed rows p of row t; without weights where they have been applied already. Experts of a leaf
/// are added the best first, from zero, then the leaves as a balanced tree: a shard has whole leaves, a branch of it.
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
        int leaves = _routes.Leaves;
        float** rows = stackalloc float*[Routing.MostChosen];
        float* weights = stackalloc float[Routing.MostChosen];
        int* ends = stackalloc int[Split.LargestLeaves];
        int count = 0;
        for (int leaf = 0; leaf < leaves; leaf++)
        {
            for (int choice = row * _routes.Chosen; choice < (row + 1) * _routes.Chosen; choice++)
            {
                int routed = _routes.RowOf[choice];
                if (routed != CpuRoutes.Elsewhere && _routes.LeafOf[_routes.Expert[choice] - _routes.Own.First] == leaf)
                {
                    rows[count] = _x.Row(routed);
                    weights[count++] = _weighted ? _routes.Weight[choice] : 1;
                }
            }

            ends[leaf] = count;
        }

        float* y = _y.Row(row);
        for (int column = 0; column < _y.Width; column += Lanes.Count)
        {
            Vector512<float> sum = Sum(rows, weights, ends, 0, leaves, column);
            if (_y.Width - column >= Lanes.Count)
            {
                sum.Store(y + column);
            }
            else
            {
                Lanes.StoreFirst(sum, y + column, _y.Width - column);
            }
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

    /// <summary>The sum of some leaves in 16 columns. Rows have room for whole lanes behind their last column.</summary>
    private static Vector512<float> Sum(float** rows, float* weights, int* ends, int leaf, int leaves, int column)
    {
        if (leaves > 1)
        {
            return Sum(rows, weights, ends, leaf, leaves / 2, column)
                + Sum(rows, weights, ends, leaf + (leaves / 2), leaves / 2, column);
        }

        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = leaf == 0 ? 0 : ends[leaf - 1]; i < ends[leaf]; i++)
        {
            sum = MultiplyAdd.Of(Vector512.Load(rows[i] + column), Vector512.Create(weights[i]), sum);
        }

        return sum;
    }
}
