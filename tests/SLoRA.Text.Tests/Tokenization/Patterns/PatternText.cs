using SLoRA.Text.Tokenization.Patterns;

namespace SLoRA.Text.Tests.Tokenization.Patterns;

/// <summary>What a pattern makes of a text, as strings.</summary>
internal static class PatternText
{
    /// <summary>Matches and gaps in order; matches in brackets.</summary>
    public static List<string> Pieces(TextPattern pattern, string text)
    {
        var pieces = new List<string>();
        var walk = new MatchWalk(pattern, text);
        while (walk.Next(out int start, out int end, out bool isMatch))
        {
            pieces.Add(isMatch ? $"[{text[start..end]}]" : text[start..end]);
        }

        return pieces;
    }
}
