using System.Globalization;
using System.Text;

namespace SLoRA.Extensions.AI.Replies.Python;

/// <summary>Reads a string literal of Python: short or long, with its escapes.</summary>
internal static class PythonString
{
    /// <summary>Reads the literal and moves behind it.</summary>
    /// <param name="text">The source.</param>
    /// <param name="at">Where the literal begins, then where it has ended.</param>
    /// <param name="value">What its text is added to.</param>
    /// <exception cref="FormatException">It does not end, or an escape in it is broken.</exception>
    public static void Read(string text, ref int at, StringBuilder value)
    {
        char quote = at < text.Length && text[at] is '\'' or '"' ? text[at] : throw new FormatException();
        var triple = new string(quote, 3);
        bool isLong = text.AsSpan(at).StartsWith(triple);
        at += isLong ? 3 : 1;
        while (at < text.Length)
        {
            char c = text[at];
            if (c == quote && (!isLong || text.AsSpan(at).StartsWith(triple)))
            {
                at += isLong ? 3 : 1;
                return;
            }

            if (c == '\n' && !isLong)
            {
                break;
            }

            at++;
            if (c == '\\')
            {
                Escape(text, ref at, value);
            }
            else
            {
                value.Append(c);
            }
        }

        throw new FormatException();
    }

    private static void Escape(string text, ref int at, StringBuilder value)
    {
        char c = at < text.Length ? text[at++] : throw new FormatException();
        switch (c)
        {
            case '\n':
                break;
            case '\\' or '\'' or '"':
                value.Append(c);
                break;
            case 'a' or 'b' or 'f' or 'n' or 'r' or 't' or 'v':
                value.Append("\a\b\f\n\r\t\v"["abfnrtv".IndexOf(c)]);
                break;
            case 'x':
                value.Append((char)Hex(text, ref at, 2));
                break;
            case 'u':
                value.Append((char)Hex(text, ref at, 4));
                break;
            case 'U':
                int rune = Hex(text, ref at, 8);
                value.Append(Rune.IsValid(rune) ? new Rune(rune).ToString() : throw new FormatException());
                break;
            case 'N':
                throw new FormatException();
            case >= '0' and <= '7':
                int octal = c - '0';
                for (int digits = 1; digits < 3 && at < text.Length && text[at] is >= '0' and <= '7'; digits++)
                {
                    octal = (octal * 8) + text[at++] - '0';
                }

                value.Append((char)octal);
                break;
            default:
                // As in Python, a backslash before any other character is a backslash.
                value.Append('\\').Append(c);
                break;
        }
    }

    private static int Hex(string text, ref int at, int digits)
    {
        if (at + digits > text.Length
            || !int.TryParse(text.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value))
        {
            throw new FormatException();
        }

        at += digits;
        return value;
    }
}
