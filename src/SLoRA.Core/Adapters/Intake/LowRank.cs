namespace SLoRA.Adapters.Intake;

/// <summary>
/// The truncated singular value decomposition of a product that has a small rank by its making. Both factors are made orthogonal first, so
/// that what is decomposed is square and as small as the rank: <c>B A = Qb (Rb Raᵀ) Qaᵀ</c>.
/// </summary>
internal static class LowRank
{
    private const int MostSweeps = 60;

    /// <summary>The closest product of a smaller rank: <c>B' = U S</c>, <c>A' = Vᵀ</c> of its largest singular values.</summary>
    /// <param name="product">B and A.</param>
    /// <param name="rank">The rank of the result; its surplus over the product's own is zeros.</param>
    public static Factors Truncate(Factors product, int rank)
    {
        int inner = product.Rank, outputs = product.Outputs, inputs = product.Inputs;
        double[][] b = [.. Enumerable.Range(0, inner).Select(r => Column(product.B, outputs, inner, r))];
        double[][] a = [.. Enumerable.Range(0, inner).Select(r => Row(product.A, inputs, r))];
        double[,] rb = Orthogonalize(b), ra = Orthogonalize(a);

        // Columns of Rb Raᵀ, turned until they are orthogonal: C V = U S.
        var c = new double[inner][];
        for (int column = 0; column < inner; column++)
        {
            c[column] = new double[inner];
            for (int row = 0; row < inner; row++)
            {
                for (int k = 0; k < inner; k++)
                {
                    c[column][row] += rb[row, k] * ra[column, k];
                }
            }
        }

        double[][] v = Turn(c);
        int[] order = [.. Enumerable.Range(0, inner).OrderByDescending(column => Dot(c[column], c[column]))];
        var newA = new float[checked(rank * inputs)];
        var newB = new float[checked(outputs * rank)];
        for (int r = 0; r < Math.Min(rank, inner); r++)
        {
            double[] scaled = Combine(b, c[order[r]]), direction = Combine(a, v[order[r]]);
            for (int row = 0; row < outputs; row++)
            {
                newB[(row * rank) + r] = (float)scaled[row];
            }

            for (int column = 0; column < inputs; column++)
            {
                newA[(r * inputs) + column] = (float)direction[column];
            }
        }

        return new Factors(rank, newA, newB, 1);
    }

    /// <summary>Makes columns orthonormal, twice over against rounding; what gives the old ones of the new, <c>[new, old]</c>.</summary>
    private static double[,] Orthogonalize(double[][] columns)
    {
        var r = new double[columns.Length, columns.Length];
        for (int column = 0; column < columns.Length; column++)
        {
            double before = Math.Sqrt(Dot(columns[column], columns[column]));
            for (int pass = 0; pass < 2; pass++)
            {
                for (int other = 0; other < column; other++)
                {
                    double share = Dot(columns[other], columns[column]);
                    r[other, column] += share;
                    Add(columns[column], columns[other], -share);
                }
            }

            double length = Math.Sqrt(Dot(columns[column], columns[column]));
            // What is left of a column that depends on the others is rounding.
            r[column, column] = length > 1e-12 * before ? length : 0;
            for (int at = 0; at < columns[column].Length; at++)
            {
                columns[column][at] = r[column, column] > 0 ? columns[column][at] / length : 0;
            }
        }

        return r;
    }

    /// <summary>Turns pairs of columns in their plane until all are orthogonal; the product of the turns.</summary>
    private static double[][] Turn(double[][] columns)
    {
        double[][] turns = [.. Enumerable.Range(0, columns.Length).Select(column =>
        {
            var unit = new double[columns.Length];
            unit[column] = 1;
            return unit;
        })];
        bool turned = true;
        for (int sweep = 0; turned && sweep < MostSweeps; sweep++)
        {
            turned = false;
            for (int p = 0; p < columns.Length; p++)
            {
                for (int q = p + 1; q < columns.Length; q++)
                {
                    double pp = Dot(columns[p], columns[p]), qq = Dot(columns[q], columns[q]), pq = Dot(columns[p], columns[q]);
                    if (Math.Abs(pq) <= 1e-15 * Math.Sqrt(pp * qq) || pq == 0)
                    {
                        continue;
                    }

                    turned = true;
                    double slope = (qq - pp) / (2 * pq);
                    double tangent = Math.CopySign(1, slope) / (Math.Abs(slope) + Math.Sqrt(1 + (slope * slope)));
                    double cosine = 1 / Math.Sqrt(1 + (tangent * tangent)), sine = cosine * tangent;
                    Rotate(columns[p], columns[q], cosine, sine);
                    Rotate(turns[p], turns[q], cosine, sine);
                }
            }
        }

        return turns;
    }

    private static void Rotate(double[] p, double[] q, double cosine, double sine)
    {
        for (int at = 0; at < p.Length; at++)
        {
            (p[at], q[at]) = ((cosine * p[at]) - (sine * q[at]), (sine * p[at]) + (cosine * q[at]));
        }
    }

    private static double[] Combine(double[][] columns, double[] shares)
    {
        var sum = new double[columns[0].Length];
        for (int column = 0; column < columns.Length; column++)
        {
            Add(sum, columns[column], shares[column]);
        }

        return sum;
    }

    private static void Add(double[] to, double[] what, double times)
    {
        for (int at = 0; at < to.Length; at++)
        {
            to[at] += times * what[at];
        }
    }

    private static double Dot(double[] x, double[] y)
    {
        double sum = 0;
        for (int at = 0; at < x.Length; at++)
        {
            sum += x[at] * y[at];
        }

        return sum;
    }

    private static double[] Row(float[] matrix, int columns, int row) =>
        [.. matrix.AsSpan(row * columns, columns).ToArray().Select(value => (double)value)];

    private static double[] Column(float[] matrix, int rows, int columns, int column) =>
        [.. Enumerable.Range(0, rows).Select(row => (double)matrix[(row * columns) + column])];
}
