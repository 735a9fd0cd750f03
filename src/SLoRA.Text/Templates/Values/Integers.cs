using System.Globalization;
using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>Integers of any size: a long while it fits, a BigInteger beyond, never wrong digits.</summary>
internal static class Integers
{
    /// <summary>The longest integer in bits, a little more than the 4300 digits that the reference converts to text.</summary>
    public const int MaxBits = 14_290;

    public static object Of(BigInteger value) => value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;

    public static BigInteger Big(object? value) => value switch
    {
        bool b => b ? BigInteger.One : BigInteger.Zero,
        long l => l,
        BigInteger big => big,
        _ => throw new InvalidOperationException("not an integer"),
    };

    /// <summary>The value as a long, cut to long's range: enough for positions, widths and counts.</summary>
    public static long Clamp(object? value) => value switch
    {
        bool b => b ? 1 : 0,
        long l => l,
        BigInteger big => big.Sign < 0 ? long.MinValue : long.MaxValue,
        _ => 0,
    };

    /// <summary>Refuses integers that only an attack makes.</summary>
    public static object Checked(Rendering r, BigInteger value)
    {
        if (value.GetBitLength() > MaxBits)
        {
            throw r.Error("template.limit", "the template computes an integer of more than 4300 digits");
        }

        r.Budget.Characters(value.GetByteCount());
        return Of(value);
    }

    public static string Text(object value) => value switch
    {
        long l => l.ToString(CultureInfo.InvariantCulture),
        BigInteger big => big.ToString(CultureInfo.InvariantCulture),
        _ => throw new InvalidOperationException("not an integer"),
    };

    /// <summary>Division that rounds towards minus infinity, and its remainder.</summary>
    public static (BigInteger Quotient, BigInteger Remainder) FloorDivide(BigInteger a, BigInteger b)
    {
        BigInteger quotient = BigInteger.DivRem(a, b, out BigInteger remainder);
        return remainder.Sign != 0 && remainder.Sign != b.Sign ? (quotient - 1, remainder + b) : (quotient, remainder);
    }
}
