namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>The markers of a section of calls.</summary>
/// <param name="CallBegin">Begins a call.</param>
/// <param name="Separator">Stands before the arguments, or between a kind and a name.</param>
/// <param name="CallEnd">Ends a call.</param>
/// <param name="SectionEnd">Ends the section.</param>
/// <param name="NameOf">Function name and id of what stands for a name.</param>
internal sealed record SectionMarkers(
    string CallBegin, string Separator, string CallEnd, string SectionEnd, Func<string, (string Name, string? Id)> NameOf)
{
    public static SectionMarkers DeepSeek { get; } =
        new("<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>", name => (name, null));

    public static SectionMarkers Kimi { get; } =
        new("<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>", "<|tool_calls_section_end|>", OfKimi);

    // functions.NAME:INDEX is the id of the call, NAME the function.
    private static (string Name, string? Id) OfKimi(string id)
    {
        const string Prefix = "functions.";
        bool isWhole = id.StartsWith(Prefix, StringComparison.Ordinal);
        string name = isWhole ? id[Prefix.Length..] : id;
        int colon = name.LastIndexOf(':');
        bool hasIndex = colon >= 0 && name.AsSpan(colon + 1).IndexOfAnyExceptInRange('0', '9') < 0;
        return (hasIndex ? name[..colon] : name, isWhole && hasIndex ? id : null);
    }
}
