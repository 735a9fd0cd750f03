using System.Numerics.Tensors;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// A and B of one adapter in one module, row-major, and what multiplies their product: the adapter's weight times its scale.
/// </summary>
/// <param name="Rank">Rows of A, columns of B.</param>
/// <param name="A"><c>[rank, in]</c>.</param>
/// <param name="B"><c>[out, rank]</c>.</param>
/// <param name="Weight">The weight.</param>
internal readonly record struct Factors(int Rank, float[] A, float[] B, double Weight)
{
    /// <summary>Columns of A.</summary>
    public int Inputs => A.Length / Rank;

    /// <summary>Rows of B.</summary>
    public int Outputs => B.Length / Rank;
}

/// <summary>Makes one pair of factors, whose product has the scale 1, of those of several adapters in one module.</summary>
/// <param name="how">The method.</param>
/// <param name="random">The random numbers of the dare methods.</param>
internal sealed class FactorMerge(AdapterMerge how, Random random)
{
    /// <summary>Merges one module.</summary>
    public Factors Merge(ReadOnlySpan<Factors> parts) => how.Method switch
    {
        AdapterMergeMethod.Concatenate => Concatenate(parts),
        AdapterMergeMethod.Svd => LowRank.Truncate(Concatenate(parts), how.Rank ?? Largest(parts)),
        _ => new Factors(
            parts[0].Rank, Combine(parts, static part => part.A, isSigned: true), Combine(parts, static part => part.B, isSigned: false),
            1),
    };

    private static int Largest(ReadOnlySpan<Factors> parts)
    {
        int largest = 0;
        foreach (Factors part in parts)
        {
            largest = Math.Max(largest, part.Rank);
        }

        return largest;
    }

    private static Factors Concatenate(ReadOnlySpan<Factors> parts)
    {
        int rank = 0;
        foreach (Factors part in parts)
        {
            rank += part.Rank;
        }

        var a = new float[checked(rank * parts[0].Inputs)];
        var b = new float[checked(parts[0].Outputs * rank)];
        int first = 0;
        foreach (Factors part in parts)
        {
            TensorPrimitives.Multiply(part.A, (float)part.Weight, a.AsSpan(first * part.Inputs, part.A.Length));
            for (int row = 0; row < part.Outputs; row++)
            {
                part.B.AsSpan(row * part.Rank, part.Rank).CopyTo(b.AsSpan((row * rank) + first));
            }

            first += part.Rank;
        }

        return new Factors(rank, a, b, 1);
    }

    /// <summary>The roots of the weights go into both factors, their signs into A alone.</summary>
    private float[] Combine(ReadOnlySpan<Factors> parts, Func<Factors, float[]> factor, bool isSigned)
    {
        var values = new float[parts.Length][];
        var weights = new float[parts.Length];
        for (int at = 0; at < parts.Length; at++)
        {
            values[at] = Pruned(factor(parts[at]));
            double root = Math.Sqrt(Math.Abs(parts[at].Weight));
            weights[at] = (float)(isSigned && parts[at].Weight < 0 ? -root : root);
        }

        return how.Method is AdapterMergeMethod.Ties or AdapterMergeMethod.DareTies ? Elected(values, weights) : Sum(values, weights);
    }

    private float[] Pruned(float[] values) => how.Method switch
    {
        AdapterMergeMethod.MagnitudePrune or AdapterMergeMethod.Ties => Largest(values),
        AdapterMergeMethod.DareLinear or AdapterMergeMethod.DareTies => Drawn(values),
        _ => values,
    };

    /// <summary>Keeps the largest magnitudes, of equal ones those that come first.</summary>
    private float[] Largest(float[] values)
    {
        int count = (int)(how.Density * values.Length);
        int[] order = [.. Enumerable.Range(0, values.Length).OrderByDescending(at => MathF.Abs(values[at])).Take(count)];
        var kept = new float[values.Length];
        foreach (int at in order)
        {
            kept[at] = values[at];
        }

        return kept;
    }

    private float[] Drawn(float[] values)
    {
        var kept = new float[values.Length];
        for (int at = 0; at < values.Length; at++)
        {
            kept[at] = random.NextDouble() < how.Density ? (float)(values[at] / how.Density) : 0;
        }

        return kept;
    }

    private static float[] Sum(float[][] values, float[] weights)
    {
        var sum = new float[values[0].Length];
        for (int part = 0; part < values.Length; part++)
        {
            TensorPrimitives.MultiplyAdd(values[part], weights[part], sum, sum);
        }

        return sum;
    }

    private float[] Elected(float[][] values, float[] weights)
    {
        var merged = new float[values[0].Length];
        for (int at = 0; at < merged.Length; at++)
        {
            float balance = 0;
            foreach (float[] part in values)
            {
                balance += how.Sign == AdapterMergeSign.Total ? part[at] : MathF.Sign(part[at]);
            }

            int sign = balance >= 0 ? 1 : -1;
            int agreeing = 0;
            for (int part = 0; part < values.Length; part++)
            {
                if (MathF.Sign(values[part][at]) == sign)
                {
                    merged[at] += weights[part] * values[part][at];
                    agreeing++;
                }
            }

            merged[at] /= Math.Max(1, agreeing);
        }

        return merged;
    }
}
