using SLoRA.Text.Tokenization.Patterns;

namespace SLoRA.Text.Tokenization.Normalizers;

/// <summary>Replace: puts a text, taken literally, in place of every match.</summary>
internal sealed class ReplaceNormalizer(TextPattern pattern, string content) : Normalizer
{
    public override void Normalize(ReadOnlySpan<char> text, CharBuffer output) => Append(pattern, text, content, output);

    public override bool LeavesAsIs(ReadOnlySpan<char> text) =>
        pattern is LiteralPattern literal && !text.Contains(literal.Sought, StringComparison.Ordinal);

    public override bool RemovesStart(ReadOnlySpan<char> text)
    {
        if (content.Length > 0)
        {
            return false;
        }

        var walk = new MatchWalk(pattern, text);
        return walk.Next(out _, out int end, out bool isMatch) && isMatch && end > 0;
    }

    public static void Append(TextPattern pattern, ReadOnlySpan<char> text, ReadOnlySpan<char> content, CharBuffer output)
    {
        var walk = new MatchWalk(pattern, text);
        while (walk.Next(out int start, out int end, out bool isMatch))
        {
            output.Append(isMatch ? content : text[start..end]);
        }
    }
}
