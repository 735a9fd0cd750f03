using System.Globalization;
using System.Numerics;
using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Floats as text: the shortest digits that read back, or exactly rounded to a number of digits (ties to even).</summary>
internal static class Floats
{
    /// <summary>The shortest text, with an exponent below 1e-4 and from 1e16 on, and always a point or an exponent.</summary>
    public static string Text(double value)
    {
        if (double.IsNaN(value))
        {
            return "nan";
        }

        if (double.IsInfinity(value))
        {
            return value > 0 ? "inf" : "-inf";
        }

        if (value == 0)
        {
            return double.IsNegative(value) ? "-0.0" : "0.0";
        }

        (string sign, string digits, int exponent) = Digits(value.ToString("R", CultureInfo.InvariantCulture));
        return sign + Layout(digits, exponent, exponent is < -4 or >= 16, ".0");
    }

    /// <summary>Digits d.ddd × 10^exponent laid out with or without an exponent.</summary>
    public static string Layout(string digits, int exponent, bool scientific, string whenWhole)
    {
        if (scientific)
        {
            string mantissa = digits.Length == 1 ? digits : digits[..1] + "." + digits[1..];
            return mantissa + ExponentText(exponent, 'e');
        }

        if (exponent < 0)
        {
            return "0." + new string('0', -exponent - 1) + digits;
        }

        return digits.Length <= exponent + 1
            ? digits + new string('0', exponent + 1 - digits.Length) + whenWhole
            : digits[..(exponent + 1)] + "." + digits[(exponent + 1)..];
    }

    public static string ExponentText(int exponent, char letter) =>
        letter + (exponent < 0 ? "-" : "+") + Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture);

    /// <summary>|value| × 10^places as an exactly rounded integer.</summary>
    public static BigInteger Scaled(double value, int places)
    {
        long bits = BitConverter.DoubleToInt64Bits(Math.Abs(value));
        int exponent = (int)(bits >> 52);
        BigInteger numerator = (bits & 0xFFFFFFFFFFFFF) | (exponent == 0 ? 0 : 1L << 52);
        int shift = (exponent == 0 ? 1 : exponent) - 1075;
        BigInteger denominator = BigInteger.One;
        if (shift > 0)
        {
            numerator <<= shift;
        }
        else
        {
            denominator <<= -shift;
        }

        if (places > 0)
        {
            numerator *= BigInteger.Pow(10, places);
        }
        else
        {
            denominator *= BigInteger.Pow(10, -places);
        }

        BigInteger quotient = BigInteger.DivRem(numerator, denominator, out BigInteger remainder);
        int half = (remainder * 2).CompareTo(denominator);
        return half > 0 || (half == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }

    /// <summary>|value| with a fixed number of places.</summary>
    public static string Fixed(double value, int places)
    {
        string digits = Scaled(value, places).ToString(CultureInfo.InvariantCulture).PadLeft(places + 1, '0');
        return places == 0 ? digits : digits[..^places] + "." + digits[^places..];
    }

    /// <summary>|value| rounded to a number of significant digits, as digits and the exponent of the first.</summary>
    public static (string Digits, int Exponent) Significant(double value, int count)
    {
        if (value == 0)
        {
            return (new string('0', count), 0);
        }

        int exponent = (int)Math.Floor(Math.Log10(Math.Abs(value)));
        for (int guess = exponent - 1; ; guess++)
        {
            string digits = Scaled(value, count - 1 - guess).ToString(CultureInfo.InvariantCulture);
            if (digits.Length <= count)
            {
                return (digits.PadRight(count, '0'), guess - (count - digits.Length));
            }
        }
    }

    /// <summary>Reads a float as the language's <c>float()</c> does: spaces around, underscores between digits, inf and nan.</summary>
    public static bool TryParse(string text, out double value)
    {
        string trimmed = CharacterClasses.Trim(text);
        string plain = trimmed.Replace("_", "", StringComparison.Ordinal);
        value = 0;
        if (plain.Length == 0 || !UnderscoresBetweenDigits(trimmed))
        {
            return false;
        }

        switch (plain.TrimStart('+', '-').ToLowerInvariant())
        {
            case "inf" or "infinity" when plain.Length - plain.TrimStart('+', '-').Length <= 1:
                value = plain[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
                return true;
            case "nan" when plain.Length <= 4:
                value = double.NaN;
                return true;
        }

        foreach (char c in plain)
        {
            if (!(char.IsAsciiDigit(c) || c is '+' or '-' or '.' or 'e' or 'E'))
            {
                return false;
            }
        }

        return double.TryParse(plain, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint
            | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value);
    }

    public static bool UnderscoresBetweenDigits(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '_'
                && !(i > 0 && i + 1 < text.Length && char.IsAsciiLetterOrDigit(text[i - 1]) && char.IsAsciiLetterOrDigit(text[i + 1])))
            {
                return false;
            }
        }

        return true;
    }

    private static (string Sign, string Digits, int Exponent) Digits(string shortest)
    {
        // "R" gives the shortest digits in either layout; keep the digits, count the exponent.
        string sign = shortest[0] == '-' ? "-" : "";
        string body = shortest[sign.Length..];
        int exponent = 0;
        int e = body.IndexOf('E', StringComparison.Ordinal);
        if (e >= 0)
        {
            exponent = int.Parse(body.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            body = body[..e];
        }

        int point = body.IndexOf('.', StringComparison.Ordinal);
        var digits = new StringBuilder(body.Length);
        int whole = point < 0 ? body.Length : point;
        foreach (char c in body)
        {
            if (c != '.')
            {
                digits.Append(c);
            }
        }

        string all = digits.ToString();
        string stripped = all.TrimStart('0');
        exponent += whole - 1 - (all.Length - stripped.Length);
        stripped = stripped.TrimEnd('0');
        return (sign, stripped, exponent);
    }
}
