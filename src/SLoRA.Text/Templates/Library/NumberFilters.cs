using System.Globalization;
using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>Filters to and between numbers.</summary>
internal static class NumberFilters
{
    public static void Register(Action<string, string, Filter> add)
    {
        add("abs", "", (r, v, _) => Absolute(r, v));
        add("int", "default=0, base=10", ToInteger);
        add("float", "default=0", ToFloat);
        add("round", "precision=0, method='common'", Round);
        add("filesizeformat", "binary=false", FileSize);
    }

    private static object Absolute(Rendering r, object? value)
    {
        r.Defined(value);
        return value switch
        {
            double d => Math.Abs(d),
            long or BigInteger or bool => Integers.Of(BigInteger.Abs(Integers.Big(value))),
            _ => throw r.Runtime($"bad operand type for abs(): '{Types.Name(value)}'"),
        };
    }

    private static object? ToInteger(Rendering r, object? value, object?[] a)
    {
        r.Defined(value);
        switch (value)
        {
            case long or BigInteger:
                return value;
            case bool b:
                return b ? 1L : 0L;
            case double d:
                return double.IsFinite(d) ? Integers.Of(new BigInteger(d)) : a[0];
            case string or RichText:
                string text = value.ToString()!;
                if (IntegerText.TryParse(text, (int)Text.Whole(r, a[1], "int"), out BigInteger integer))
                {
                    return Integers.Checked(r, integer);
                }

                return Floats.TryParse(text, out double number) && double.IsFinite(number) ? Integers.Of(new BigInteger(number)) : a[0];
            default:
                return a[0];
        }
    }

    private static object? ToFloat(Rendering r, object? value, object?[] a)
    {
        r.Defined(value);
        object? otherwise = a[0] is 0L ? 0.0 : a[0];
        if (value is BigInteger && double.IsInfinity(Numbers.ToDouble(value)))
        {
            throw r.Runtime("int too large to convert to float");
        }

        if (Types.IsNumber(value))
        {
            return Numbers.ToDouble(value);
        }

        return Types.IsText(value) && Floats.TryParse(value!.ToString()!, out double number) ? number : otherwise;
    }

    private static object Round(Rendering r, object? value, object?[] a)
    {
        r.Defined(value);
        string method = Text.Of(r, a[1], "round");
        if (method is not ("common" or "ceil" or "floor"))
        {
            throw r.Runtime("round() method must be common, ceil or floor");
        }

        if (!Types.IsNumber(value))
        {
            throw r.Runtime($"type {Types.Name(value)} doesn't define __round__ method");
        }

        long places = Text.Whole(r, a[0], "round");
        if (method == "common")
        {
            return value is double d ? RoundFloat(d, places) : RoundInteger(r, Integers.Big(value), places);
        }

        object scale = Operators.Apply(r, "**", 10L, places)!;
        double scaled = Numbers.ToDouble(Operators.Apply(r, "*", value, scale));
        if (!double.IsFinite(scaled))
        {
            throw r.Runtime("cannot round what is not finite");
        }

        var whole = new BigInteger(method == "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled));
        return Operators.Apply(r, "/", Integers.Of(whole), scale)!;
    }

    private static double RoundFloat(double value, long places)
    {
        if (!double.IsFinite(value) || value == 0 || places > 323)
        {
            return value;
        }

        if (places < -308)
        {
            return Math.CopySign(0, value);
        }

        string digits = Floats.Scaled(value, (int)places).ToString(CultureInfo.InvariantCulture);
        return Math.CopySign(
            double.Parse(digits + "E" + (-places).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture), value);
    }

    private static object RoundInteger(Rendering r, BigInteger value, long places)
    {
        if (places >= 0)
        {
            return Integers.Of(value);
        }

        if (places < -4300)
        {
            return 0L;
        }

        BigInteger unit = BigInteger.Pow(10, (int)-places);
        (BigInteger quotient, BigInteger remainder) = Integers.FloorDivide(value, unit);
        int half = (remainder * 2).CompareTo(unit);
        return Integers.Checked(r, (half > 0 || (half == 0 && !quotient.IsEven) ? quotient + 1 : quotient) * unit);
    }

    private static object FileSize(Rendering r, object? value, object?[] a)
    {
        double bytes =
            ToFloat(r, value, [null]) is double d ? d : throw r.Runtime($"filesizeformat() needs a number, not {Types.Name(value)}");
        bool binary = Truth.Of(a[0]);
        double unit = binary ? 1024 : 1000;
        if (bytes == 1)
        {
            return "1 Byte";
        }

        if (bytes < unit)
        {
            return (Math.Truncate(bytes) + 0.0).ToString("0", CultureInfo.InvariantCulture) + " Bytes";
        }

        string[] names =
            binary ? ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] : ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
        for (int i = 0; ; i++)
        {
            double next = Math.Pow(unit, i + 2);
            if (bytes < next || i == names.Length - 1)
            {
                return Floats.Fixed(unit * bytes / next, 1) + " " + names[i];
            }
        }
    }
}
