using System.Text.RegularExpressions;

namespace SLoRA.HuggingFace.Protocol;

/// <summary>The header that leads to the next page (RFC 8288).</summary>
internal static partial class LinkHeader
{
    /// <summary>The target of a relation; null when the header has none.</summary>
    public static string? Target(string? header, string relation)
    {
        foreach (Match link in Link().Matches(header ?? ""))
        {
            if (Relation().Match(link.Groups[2].Value) is { Success: true } named && named.Groups[1].Value.Trim('"') == relation)
            {
                return link.Groups[1].Value;
            }
        }

        return null;
    }

    [GeneratedRegex("<([^>]*)>([^<]*)")]
    private static partial Regex Link();

    [GeneratedRegex(@";\s*rel=(""[^""]*""|[^\s;,]+)")]
    private static partial Regex Relation();
}
