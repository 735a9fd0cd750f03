namespace SLoRA.Text.Templates;

/// <summary>Floats in the layouts e, f and g, exactly rounded. Signs are the caller's.</summary>
internal static class FloatFormat
{
    /// <summary>More places than any float has digits.</summary>
    private const int MaxPrecision = 2_000;

    public static string Digits(Rendering r, double value, char type, int precision, bool alternate)
    {
        bool upper = char.IsUpper(type);
        if (!double.IsFinite(value))
        {
            string special = double.IsNaN(value) ? "nan" : "inf";
            return upper ? special.ToUpperInvariant() : special;
        }

        if (precision > MaxPrecision)
        {
            throw r.Error("template.limit", $"a float is formatted with {precision} places, more than {MaxPrecision}");
        }

        r.Budget.Characters(400 + Math.Max(0, precision));
        value = Math.Abs(value);
        string text = char.ToLowerInvariant(type) switch
        {
            'f' or '%' => Floats.Fixed(value, precision < 0 ? 6 : precision) + (precision == 0 && alternate ? "." : ""),
            'e' => Scientific(value, precision < 0 ? 6 : precision, alternate),
            _ => General(value, precision < 0 ? 6 : Math.Max(1, precision), alternate, type == '\0'),
        };
        return upper ? text.ToUpperInvariant() : text;
    }

    private static string Scientific(double value, int precision, bool alternate)
    {
        (string digits, int exponent) = Floats.Significant(value, precision + 1);
        string mantissa = digits[..1] + (precision > 0 || alternate ? "." : "") + digits[1..];
        return mantissa + Floats.ExponentText(exponent, 'e');
    }

    // The shorter layout; trailing zeros go unless the alternate form keeps them. Without a type letter a whole number keeps ".0".
    private static string General(double value, int precision, bool alternate, bool plain)
    {
        (string digits, int exponent) = Floats.Significant(value, precision);
        bool scientific = exponent < -4 || exponent >= (plain ? precision - 1 + (precision == 1 ? 1 : 0) : precision);
        if (plain && exponent < precision && exponent >= -4 && exponent == precision - 1 && precision > 1)
        {
            scientific = true;
        }

        if (!alternate)
        {
            digits = digits.TrimEnd('0');
            if (digits.Length == 0)
            {
                digits = "0";
            }
        }

        return Floats.Layout(digits, exponent, scientific, plain ? ".0" : alternate ? "." : "");
    }
}
