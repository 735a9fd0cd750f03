using System.Buffers;
using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>The name of a function where it stands without quotes.</summary>
internal static class FunctionName
{
    // A name ends at the first of these, at whitespace and at a control character. Prose behind a quoted marker soon has one of them.
    private static readonly SearchValues<char> Ends = SearchValues.Create("<>{}[]()\"'`,;=|\\｜");

    // No name is longer; what a grammar looks through again with each piece stays short.
    private const int Longest = 256;

    /// <summary>Reads a name, and whitespace before it. It is over when another character follows.</summary>
    public static Match Take(HeldText text, out string name)
    {
        name = "";
        text.SkipSpace();
        ReadOnlySpan<char> rest = text.Rest;
        int length = 0;
        while (length < rest.Length && length <= Longest && IsPart(rest[length]))
        {
            length++;
        }

        if (length > Longest)
        {
            return Match.No;
        }

        if (length == rest.Length)
        {
            return text.Missing;
        }

        if (length == 0)
        {
            return Match.No;
        }

        name = Utf16.Repair(rest[..length]);
        text.Position += length;
        return Match.Yes;
    }

    private static bool IsPart(char c) => !char.IsWhiteSpace(c) && !char.IsControl(c) && !Ends.Contains(c);
}
