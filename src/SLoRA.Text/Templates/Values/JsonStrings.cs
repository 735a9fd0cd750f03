using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SLoRA.Text.Templates;

/// <summary>
/// What JSON may hold and the platform's reader throws at: half a surrogate pair, which is U+FFFD here, bytes that are no UTF-8, and a
/// member that is given twice.
/// </summary>
internal static class JsonStrings
{
    /// <summary>The characters of a JSON string.</summary>
    public static string Text(JsonElement text) => Read(JsonMarshal.GetRawUtf8Value(text)[1..^1]);

    /// <summary>The name of a member.</summary>
    public static string Name(JsonProperty member) => Read(JsonMarshal.GetRawUtf8PropertyName(member));

    /// <summary>Whether a node was parsed from an object with a member given twice, which no node bears; then as it was written.</summary>
    public static bool HasMemberTwice(JsonObject node, out JsonElement written)
    {
        written = default;
        try
        {
            _ = node.Count;
            return false;
        }
        catch (ArgumentException)
        {
            written = JsonElement.Parse(node.ToJsonString(), new JsonDocumentOptions { MaxDepth = 1_000 });
            return true;
        }
    }

    /// <summary>
    /// Whether an error says that a node cannot be read: it holds what JSON cannot express, or a name with half a surrogate pair.
    /// </summary>
    public static bool IsUnreadable(Exception error) =>
        error is ArgumentException or InvalidOperationException or NotSupportedException or JsonException;

    /// <summary>What such an error becomes.</summary>
    public static ChatTemplateException Unreadable(Exception error) =>
        new("template.input", $"the conversation cannot be read as JSON: {error.Message}", innerException: error);

    private static string Read(ReadOnlySpan<byte> raw)
    {
        string text = Encoding.UTF8.GetString(raw);
        return text.Contains('\\', StringComparison.Ordinal) ? WellFormed(Unescaped(text)) : text;
    }

    private static string Unescaped(string text)
    {
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                result.Append(text[i]);
                continue;
            }

            char escaped = text[++i];
            if (escaped == 'u')
            {
                result.Append((char)ushort.Parse(text.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 4;
                continue;
            }

            result.Append(escaped switch { 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', _ => escaped });
        }

        return result.ToString();
    }

    private static string WellFormed(string text)
    {
        if (CodePoints.AreUnits(text))
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            result.Append(rune);
        }

        return result.ToString();
    }
}
