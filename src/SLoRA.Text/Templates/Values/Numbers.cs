using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>Comparison and conversion across bool, integers of any size and floats.</summary>
internal static class Numbers
{
    /// <summary>Negative, zero or positive; 2 when one side is not a number and nothing compares.</summary>
    public static int Compare(object a, object? b)
    {
        if (a is long x && b is long y)
        {
            return x.CompareTo(y);
        }

        if (a is not double && b is not double)
        {
            return Integers.Big(a).CompareTo(Integers.Big(b));
        }

        if (a is double d && b is double e)
        {
            return double.IsNaN(d) || double.IsNaN(e) ? 2 : d.CompareTo(e);
        }

        return a is double f ? -CompareExact(Integers.Big(b), f) : CompareExact(Integers.Big(a), (double)b!);
    }

    public static double ToDouble(object? value) => value switch
    {
        double d => d,
        long l => l,
        bool b => b ? 1 : 0,
        // The platform's conversion cuts digits off; reading the decimal text rounds.
        BigInteger big =>
            double.Parse(
                big.ToString(System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture),
        _ => double.NaN,
    };

    // An integer against a float without rounding the integer: 2^63 - 1 and 2^63 differ.
    private static int CompareExact(BigInteger integer, double value)
    {
        if (double.IsNaN(value))
        {
            return 2;
        }

        if (double.IsInfinity(value))
        {
            return value > 0 ? -1 : 1;
        }

        double floor = Math.Floor(value);
        int order = integer.CompareTo(new BigInteger(floor));
        return order == 0 && value > floor ? -1 : order;
    }
}
