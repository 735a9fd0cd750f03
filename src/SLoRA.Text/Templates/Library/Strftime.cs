using System.Globalization;
using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Dates by the directives of C's strftime, in the C locale and without a time zone, as <c>strftime_now</c> gives them.</summary>
internal static class Strftime
{
    public static string Format(Rendering r, DateTimeOffset now, string format)
    {
        r.Budget.Characters(8L * format.Length);
        var result = new StringBuilder(format.Length + 16);
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 >= format.Length)
            {
                result.Append(format[i]);
                continue;
            }

            int start = i++;
            char flag = ' ';
            while (i + 1 < format.Length && format[i] is '-' or '_' or '0' or '^' or '#')
            {
                flag = format[i++];
            }

            int width = 0;
            while (i + 1 < format.Length && char.IsAsciiDigit(format[i]) && width < 1000)
            {
                width = width * 10 + (format[i++] - '0');
            }

            if (i + 1 < format.Length && format[i] is 'E' or 'O')
            {
                i++;
            }

            string? text = One(format[i], now);
            r.Budget.Characters(width);
            result.Append(text is null ? format[start..(i + 1)] : Padded(Flagged(text, flag), flag, width));
        }

        return result.ToString();
    }

    private static string Padded(string text, char flag, int width)
    {
        bool blank = flag == '_' || (flag != '0' && !text.All(char.IsAsciiDigit));
        return flag == '-' ? text : text.PadLeft(width, blank ? ' ' : '0');
    }

    private static string Flagged(string text, char flag) => flag switch
    {
        '-' => text.Length > 1 && text.All(c => char.IsAsciiDigit(c) || c == ' ') ? text.TrimStart('0', ' ') is { Length: > 0 } digits
            ? digits
            : "0" : text,
        '_' => Blanked(text),
        '0' => text.Replace(' ', '0'),
        '^' => text.ToUpperInvariant(),
        '#' => text.Any(char.IsLower) ? text.ToUpperInvariant() : text.ToLowerInvariant(),
        _ => text,
    };

    // Leading zeros become blanks, but the last digit stays.
    private static string Blanked(string text)
    {
        int zeros = 0;
        while (zeros + 1 < text.Length && text[zeros] == '0')
        {
            zeros++;
        }

        return new string(' ', zeros) + text[zeros..];
    }

    private static string? One(char directive, DateTimeOffset now)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string Net(string format) => now.ToString(format, culture);
        string Two(int value) => value.ToString("00", culture);
        int hour12 = now.Hour % 12 == 0 ? 12 : now.Hour % 12;
        return directive switch
        {
            'a' => Net("ddd"),
            'A' => Net("dddd"),
            'b' or 'h' => Net("MMM"),
            'B' => Net("MMMM"),
            'c' => Net("ddd MMM ") + Space(now.Day) + Net(" HH:mm:ss yyyy"),
            'C' => Two(now.Year / 100),
            'd' => Two(now.Day),
            'D' or 'x' => Net("MM'/'dd'/'yy"),
            'e' => Space(now.Day),
            'f' => (now.Ticks % TimeSpan.TicksPerSecond / 10).ToString("000000", culture),
            'F' => Net("yyyy-MM-dd"),
            'g' => Two(ISOWeek.GetYear(now.DateTime) % 100),
            'G' => ISOWeek.GetYear(now.DateTime).ToString(culture),
            'H' => Two(now.Hour),
            'I' => Two(hour12),
            'j' => now.DayOfYear.ToString("000", culture),
            'k' => Space(now.Hour),
            'l' => Space(hour12),
            'm' => Two(now.Month),
            'M' => Two(now.Minute),
            'n' => "\n",
            'p' => now.Hour < 12 ? "AM" : "PM",
            'P' => now.Hour < 12 ? "am" : "pm",
            'r' => Two(hour12) + Net(":mm:ss ") + (now.Hour < 12 ? "AM" : "PM"),
            'R' => Net("HH:mm"),
            's' => now.ToUnixTimeSeconds().ToString(culture),
            'S' => Two(now.Second),
            't' => "\t",
            'T' or 'X' => Net("HH:mm:ss"),
            'u' => (now.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)now.DayOfWeek).ToString(culture),
            'U' => Two((now.DayOfYear + 6 - (int)now.DayOfWeek) / 7),
            'V' => Two(ISOWeek.GetWeekOfYear(now.DateTime)),
            'w' => ((int)now.DayOfWeek).ToString(culture),
            'W' => Two((now.DayOfYear + 6 - ((int)now.DayOfWeek + 6) % 7) / 7),
            'y' => Two(now.Year % 100),
            'Y' => now.Year.ToString(culture),
            'z' or 'Z' => "",
            '%' => "%",
            _ => null,
        };
    }

    private static string Space(int value) => value.ToString(CultureInfo.InvariantCulture).PadLeft(2);
}
