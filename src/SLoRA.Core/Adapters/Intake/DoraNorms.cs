using System.Numerics.Tensors;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// The norms of the rows of <c>W + scale · B A</c>, which DoRA divides its magnitudes by: <c>[out]</c>. For an embedding, whose weight
/// lies the other way round, those of its columns: <c>[hidden]</c>. W is streamed; besides A, B and a few rows of W nothing is held.
/// Where the backend has rounded W again, it is what products take that counts.
/// </summary>
internal static class DoraNorms
{
    // Squares are summed so many at a time in fp32, and these sums in fp64.
    private const int Run = 1024;

    /// <summary>Works them out.</summary>
    /// <param name="module">A, B and scale.</param>
    /// <param name="weights">Where W comes from.</param>
    /// <exception cref="FormatError">W cannot be read.</exception>
    public static float[] Of(AdapterContentModule module, BaseReader weights) =>
        module.Target.Kind == TargetKind.Embedding ? OfColumns(module, weights) : OfRows(module, weights);

    private static float[] OfRows(AdapterContentModule module, BaseReader weights)
    {
        int columns = module.Target.InFeatures;
        float[] a = module.A.Widened();
        var b = new float[module.Rank];
        var norms = new float[module.Target.OutFeatures];
        var sum = new float[columns];
        BaseWeight own = weights.WeightOf(module.Target);
        weights.Read(own, columns, (first, values) =>
        {
            for (int at = 0; at < values.Length; at += columns)
            {
                int row = (int)((first + at) / columns);
                module.B.Widen(row, b);
                values.Slice(at, columns).CopyTo(sum);
                own.Rounding?.Invoke(sum);
                for (int r = 0; r < b.Length; r++)
                {
                    TensorPrimitives.MultiplyAdd(a.AsSpan(r * columns, columns), module.Scale * b[r], sum, sum);
                }

                double squares = 0;
                for (int from = 0; from < columns; from += Run)
                {
                    squares += TensorPrimitives.SumOfSquares<float>(sum.AsSpan(from, Math.Min(Run, columns - from)));
                }

                norms[row] = (float)Math.Sqrt(squares);
            }
        });
        return norms;
    }

    private static float[] OfColumns(AdapterContentModule module, BaseReader weights)
    {
        int hidden = module.Target.OutFeatures;
        float[] b = module.B.Widened();
        var transposed = new float[b.Length];
        for (int at = 0; at < b.Length; at++)
        {
            transposed[((at % module.Rank) * hidden) + (at / module.Rank)] = b[at];
        }

        float[] a = module.A.Widened();
        int entries = module.Target.InFeatures;
        var sum = new float[hidden];
        var squares = new float[hidden];
        var norms = new double[hidden];
        int rows = 0;
        weights.Read(weights.WeightOf(module.Target), hidden, (first, values) =>
        {
            for (int at = 0; at < values.Length; at += hidden, rows++)
            {
                int token = (int)((first + at) / hidden);
                values.Slice(at, hidden).CopyTo(sum);
                for (int r = 0; r < module.Rank; r++)
                {
                    TensorPrimitives.MultiplyAdd(transposed.AsSpan(r * hidden, hidden), module.Scale * a[(r * entries) + token], sum, sum);
                }

                TensorPrimitives.MultiplyAdd<float>(sum, sum, squares, squares);
                if (rows % Run == Run - 1)
                {
                    Add();
                }
            }
        });
        Add();
        return [.. norms.Select(sum => (float)Math.Sqrt(sum))];

        void Add()
        {
            for (int column = 0; column < hidden; column++)
            {
                norms[column] += squares[column];
            }

            squares.AsSpan().Clear();
        }
    }
}
