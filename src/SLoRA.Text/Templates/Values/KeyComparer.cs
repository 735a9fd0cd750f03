using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>Equality and hash of dictionary keys and of what <c>unique</c> has seen.</summary>
internal sealed class KeyComparer : IEqualityComparer<object>
{
    public static readonly KeyComparer Instance = new();

    private static readonly ulong Seed = (ulong)Random.Shared.NextInt64();

    public new bool Equals(object? x, object? y) => Equality.AreEqual(null, x, y);

    public int GetHashCode(object obj) => obj switch
    {
        bool b => Mix(b ? 1 : 0),
        long l => Mix(l),
        BigInteger big => big.GetHashCode(),
        double d when Math.Abs(d) < 9e18 && Math.Floor(d) == d => Mix((long)d),
        double d when Math.Floor(d) == d && !double.IsInfinity(d) => new BigInteger(d).GetHashCode(),
        double d => Mix(BitConverter.DoubleToInt64Bits(d)),
        string s => s.GetHashCode(StringComparison.Ordinal),
        RichText rich => rich.Text.GetHashCode(StringComparison.Ordinal),
        TemplateTuple tuple => OfTuple(tuple),
        TemplateRange range => Mix(range.Length),
        Undefined => 17,
        _ => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(obj),
    };

    /// <summary>Whether a value may be a key: lists and dictionaries may not, nor a tuple that holds one.</summary>
    public static bool CanHash(Rendering r, object? value)
    {
        if (value is TemplateList or TemplateDict)
        {
            return false;
        }

        if (Types.IsText(value))
        {
            r.Budget.Step(value!.ToString()!.Length >> 6);
        }

        if (value is not TemplateTuple tuple)
        {
            return true;
        }

        r.Budget.Enter();
        bool all = true;
        foreach (object? item in tuple.Items)
        {
            all &= CanHash(r, item);
        }

        r.Budget.Step(tuple.Items.Length);
        r.Budget.Leave();
        return all;
    }

    // The hash that .NET gives a long folds its halves onto each other, so a template could make thousands of integers collide.
    private static int Mix(long value) => (int)(((ulong)value ^ Seed) * 0x9E3779B97F4A7C15 >> 32);

    private int OfTuple(TemplateTuple tuple)
    {
        var hash = default(HashCode);
        foreach (object? item in tuple.Items)
        {
            hash.Add(item is null ? 0 : GetHashCode(item));
        }

        return hash.ToHashCode();
    }
}
