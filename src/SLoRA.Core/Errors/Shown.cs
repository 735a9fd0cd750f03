using System.Globalization;
using System.Text;

namespace SLoRA.Errors;

/// <summary>
/// How names and texts that nobody vouches for are written into messages and logs: on one line, visible, and no longer than a line can
/// bear. All of them pass through here, so that no name can look like another line of a log, steer a terminal or fill a disk.
/// </summary>
internal static class Shown
{
    private const int LongestText = 200;
    private const int MostNames = 8;

    /// <summary>A name, in quotes.</summary>
    public static string Name(string name) => $"'{Text(name)}'";

    /// <summary>The first of some names, in quotes, and how many more there are.</summary>
    public static string Names(IReadOnlyCollection<string> names)
    {
        string first = string.Join(", ", names.Take(MostNames).Select(Name));
        return names.Count <= MostNames
            ? first
            : string.Create(CultureInfo.InvariantCulture, $"{first} and {names.Count - MostNames} more");
    }

    /// <summary>A text, cut behind so many characters. What does not show by itself is written as <c>\u000a</c>.</summary>
    public static string Text(string text, int longest = LongestText)
    {
        var shown = new StringBuilder(Math.Min(text.Length, longest) + 8);
        int at = 0;
        while (at < text.Length && at < longest)
        {
            bool isCharacter = Rune.TryGetRuneAt(text, at, out Rune rune);
            int length = isCharacter ? rune.Utf16SequenceLength : 1;
            if (isCharacter && IsVisible(rune))
            {
                shown.Append(text, at, length);
            }
            else
            {
                foreach (char unit in text.AsSpan(at, length))
                {
                    shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
                }
            }

            at += length;
        }

        return shown.Append(at < text.Length ? "…" : "").ToString();
    }

    /// <summary>Not so are controls, separators of lines, and characters that turn the direction of writing or have no width.</summary>
    private static bool IsVisible(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
