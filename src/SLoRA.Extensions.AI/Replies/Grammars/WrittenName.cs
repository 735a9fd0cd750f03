using System.Buffers;
using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>Names where they stand without quotes of their own.</summary>
internal static class WrittenName
{
    // No name is longer; what is looked through again with each piece stays short.
    private const int Longest = 256;

    // A function's name ends at the first of these, at whitespace and at a control character: prose behind a quoted marker soon has one.
    private static readonly SearchValues<char> FunctionEnds = SearchValues.Create("<>{}[]()\"'`,;=|\\｜");

    // A parameter's stands between tags, so it may be any text on one line without their characters.
    private static readonly SearchValues<char> ParameterEnds = SearchValues.Create("<>\"\r\n");

    /// <summary>Reads a function's name, and whitespace before it. It is over when another character follows.</summary>
    public static Match TakeFunction(HeldText text, out string name) =>
        Take(text, static c => !char.IsWhiteSpace(c) && !char.IsControl(c) && !FunctionEnds.Contains(c), out name);

    /// <summary>Reads a parameter's name, and whitespace around it. It is over when another character follows.</summary>
    public static Match TakeParameter(HeldText text, out string name) => Take(text, static c => !ParameterEnds.Contains(c), out name);

    private static Match Take(HeldText text, Func<char, bool> isPart, out string name)
    {
        name = "";
        text.SkipSpace();
        ReadOnlySpan<char> rest = text.Rest;
        int length = 0;
        while (length < rest.Length && length <= Longest && isPart(rest[length]))
        {
            length++;
        }

        if (length == rest.Length && length <= Longest)
        {
            return text.Missing;
        }

        if (length is 0 or > Longest)
        {
            return Match.No;
        }

        name = Utf16.Repair(rest[..length].TrimEnd());
        text.Position += length;
        return Match.Yes;
    }
}
