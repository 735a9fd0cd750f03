using System.Globalization;
using System.Text;

namespace SLoRA.HuggingFace.Names;

/// <summary>
/// How names and texts that a server chose are written into messages: on one line, visible, and no longer than a line can bear.
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
    public static string Text(string text)
    {
        var shown = new StringBuilder();
        foreach (char unit in text.AsSpan(0, Math.Min(text.Length, LongestText)))
        {
            bool isVisible = CharUnicodeInfo.GetUnicodeCategory(unit) is not
                (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.Surrogate);
            _ = isVisible ? shown.Append(unit) : shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
        }

        return shown.Append(text.Length > LongestText ? "…" : "").ToString();
    }
}
