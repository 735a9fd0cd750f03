using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Norms of heads beside gates: <c>w ∘ norm(x) ∘ silu(z)</c>, or, where gates come first, <c>w ∘ norm(x ∘ silu(z))</c>. Sums as in
/// <see cref="NormJob"/>.
/// </summary>
internal sealed unsafe class NormGatedJob(int workers) : RowJob(workers)
{
    // A norm, an exponential and a division, in elements that are only multiplied.
    private const int GateWork = 6;

    private CpuRows _x = null!;
    private CpuVector _weight = null!;
    private CpuRows _gates = null!;
    private int _heads;
    private float _epsilon;
    private int _gateColumn;
    private bool _gatesFirst;

    /// <summary>Sets the next norm and says in how many parts it comes.</summary>
    public int Prepare(
        CpuRows x, int heads, CpuVector weight, float epsilon, CpuRows gates, int gateColumn, bool gatesFirst, int rows)
    {
        _x = x;
        _heads = heads;
        _weight = weight;
        _epsilon = epsilon;
        _gates = gates;
        _gateColumn = gateColumn;
        _gatesFirst = gatesFirst;
        return Prepare(rows, GateWork * x.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        int width = _x.Width / _heads;
        for (int head = 0; head < _heads; head++)
        {
            float* weight = _weight.Data + (_weight.Length > width ? head * width : 0);
            Norm(_x.Row(row) + (head * width), _gates.Row(row) + _gateColumn + (head * width), weight, width);
        }
    }

    private void Norm(float* x, float* gates, float* weight, int width)
    {
        Vector512<float> squares = Vector512<float>.Zero;
        for (int i = 0; i < width; i += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, width - i);
            Vector512<float> values = Load(x + i, count);
            if (_gatesFirst)
            {
                values *= Activations.Silu(Load(gates + i, count));
                Store(values, x + i, count);
            }

            squares = MultiplyAdd.Of(values, values, squares);
        }

        float factor = 1 / MathF.Sqrt((Lanes.Sum(squares) / width) + _epsilon);
        for (int i = 0; i < width; i += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, width - i);
            Vector512<float> values = Load(weight + i, count) * (Load(x + i, count) * factor);
            Store(_gatesFirst ? values : values * Activations.Silu(Load(gates + i, count)), x + i, count);
        }
    }

    private static Vector512<float> Load(float* source, int count) =>
        count == Lanes.Count ? Vector512.Load(source) : Lanes.LoadFirst(source, count);

    private static void Store(Vector512<float> values, float* destination, int count)
    {
        if (count == Lanes.Count)
        {
            values.Store(destination);
        }
        else
        {
            Lanes.StoreFirst(values, destination, count);
        }
    }
}
