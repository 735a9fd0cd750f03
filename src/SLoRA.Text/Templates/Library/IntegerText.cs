using System.Globalization;
using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>Integers read from text: spaces around, a sign, underscores between digits, and a prefix where the base has one.</summary>
internal static class IntegerText
{
    public static bool TryParse(string text, int radix, out BigInteger value)
    {
        value = BigInteger.Zero;
        string trimmed = CharacterClasses.Trim(text);
        bool negative = trimmed.StartsWith('-');
        string body = negative || trimmed.StartsWith('+') ? trimmed[1..] : trimmed;
        if (radix is not 0 and (< 2 or > 36))
        {
            return false;
        }

        int prefix =
            body.Length > 1 && body[0] == '0' ? char.ToLowerInvariant(body[1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 } : 0;
        if (prefix != 0 && (radix == 0 || radix == prefix))
        {
            body = body[2..].TrimStart('_') is { } rest && body.Length - 2 - rest.Length <= 1 ? rest : "";
            radix = prefix;
        }
        else if (radix == 0)
        {
            radix = 10;
            if (body.Length > 1 && body[0] == '0' && body.Any(c => c is not ('0' or '_')))
            {
                return false;
            }
        }

        string digits = body.Replace("_", "", StringComparison.Ordinal);
        if (digits.Length is 0 or > 4300 || !Floats.UnderscoresBetweenDigits(body) || body[0] == '_')
        {
            return false;
        }

        foreach (string point in CodePoints.Each(digits))
        {
            int digit = Digit(point);
            if (digit < 0 || digit >= radix)
            {
                return false;
            }

            value = value * radix + digit;
        }

        if (negative)
        {
            value = -value;
        }

        return true;
    }

    private static int Digit(string point) => point[0] switch
    {
        >= '0' and <= '9' => point[0] - '0',
        >= 'a' and <= 'z' => point[0] - 'a' + 10,
        >= 'A' and <= 'Z' => point[0] - 'A' + 10,
        _ => CharUnicodeInfo.GetDecimalDigitValue(point, 0),
    };
}
