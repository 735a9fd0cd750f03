using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>The few methods and attributes of numbers that templates meet.</summary>
internal static class NumberMethods
{
    private static readonly Parameters NoParameters = new("method", "");

    public static object? Find(object? owner, string name) => (owner, name) switch
    {
        (double d, "is_integer") => new NativeCallable(NoParameters, (_, _) => Math.Floor(d) == d && !double.IsInfinity(d)),
        (double d, "real") => d,
        (not double, "bit_length") => new NativeCallable(NoParameters, (_, _) => (long)BigInteger.Abs(Integers.Big(owner)).GetBitLength()),
        (not double, "real" or "numerator") => Integers.Of(Integers.Big(owner)),
        (not double, "denominator") => 1L,
        (not double, "imag") => 0L,
        (double, "imag") => 0.0,
        (_, "conjugate") => new NativeCallable(NoParameters, (_, _) => owner is bool ? Integers.Of(Integers.Big(owner)) : owner),
        _ => null,
    };
}
