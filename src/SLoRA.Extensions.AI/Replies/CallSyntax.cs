using SLoRA.Extensions.AI.Replies.Grammars;
using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies;

/// <summary>Where calls can begin in an answer, and which grammar reads them.</summary>
internal sealed class CallSyntax
{
    /// <summary>What begins a block of calls wherever it stands.</summary>
    public MarkerSearch Markers { get; init; } = new();

    /// <summary>The grammar behind a marker.</summary>
    public Func<string, DeclaredTools, CallGrammar> Behind { get; init; } = (_, _) =>
        throw new InvalidOperationException("The format has no marker.");

    /// <summary>
    /// The grammar of an answer that begins with a character, in formats without a marker; it gives null where the answer is text.
    /// </summary>
    public Func<char, DeclaredTools, CallGrammar?>? AtStart { get; init; }

    public static CallSyntax None { get; } = new();

    public static CallSyntax Hermes { get; } = OfJsonBlocks("<tool_call>", "</tool_call>");

    public static CallSyntax InternLm { get; } = OfJsonBlocks("<|action_start|><|plugin|>", "<|action_end|>");

    public static CallSyntax Granite { get; } = new()
    {
        Markers = new MarkerSearch("<|tool_call|>", "<tool_call>"),
        Behind = (marker, _) => new ChoiceGrammar(first => (marker, first) switch
        {
            (_, '[') => new JsonArrayGrammar(isOpen: false),
            ("<tool_call>", '{') => new JsonBlockGrammar("<tool_call>", "</tool_call>"),
            _ => null,
        }),
    };

    public static CallSyntax Mistral { get; } = new()
    {
        Markers = new MarkerSearch("[TOOL_CALLS]"),
        Behind = (_, _) => new ChoiceGrammar(first => first == '[' ? new JsonArrayGrammar(isOpen: false) : new MistralCallGrammar()),
    };

    public static CallSyntax Phi4Mini { get; } = new()
    {
        Markers = new MarkerSearch("functools["),
        Behind = (_, _) => new JsonArrayGrammar(isOpen: true),
    };

    public static CallSyntax DeepSeek { get; } = new()
    {
        Markers = new MarkerSearch("<｜tool▁calls▁begin｜>"),
        Behind = (_, _) => new SectionGrammar(SectionMarkers.DeepSeek),
    };

    public static CallSyntax KimiK2 { get; } = new()
    {
        Markers = new MarkerSearch("<|tool_calls_section_begin|>"),
        Behind = (_, _) => new SectionGrammar(SectionMarkers.Kimi),
    };

    public static CallSyntax Qwen3Coder { get; } = new()
    {
        // Models leave the first of the two out at times.
        Markers = new MarkerSearch("<tool_call>", TagSyntax.Qwen3Coder.FunctionOpen),
        Behind = (marker, tools) =>
            new TagGrammar(TagSyntax.Qwen3Coder, tools, startsInFunction: marker == TagSyntax.Qwen3Coder.FunctionOpen),
    };

    public static CallSyntax MiniMaxM2 { get; } = new()
    {
        Markers = new MarkerSearch("<minimax:tool_call>"),
        Behind = (_, tools) => new TagGrammar(TagSyntax.MiniMax, tools, startsInFunction: false),
    };

    public static CallSyntax Glm4 { get; } = new()
    {
        Markers = new MarkerSearch("<tool_call>"),
        Behind = (marker, tools) => new KeyValueGrammar(marker, "</tool_call>", tools),
    };

    public static CallSyntax Llama3Json { get; } = new()
    {
        Markers = new MarkerSearch("<|python_tag|>"),
        Behind = (_, _) => new JsonSequenceGrammar(declared: null),
        AtStart = (first, tools) => first == '{' ? new JsonSequenceGrammar(tools) : null,
    };

    public static CallSyntax Pythonic { get; } = new()
    {
        Markers = new MarkerSearch("<|python_start|>"),
        Behind = (_, _) => new PythonicGrammar(declared: null),
        AtStart = (first, tools) => first == '[' ? new PythonicGrammar(tools) : null,
    };

    public static CallSyntax GenericJson { get; } = new()
    {
        AtStart = (first, tools) => first is '{' or '[' or '`' ? new JsonAnswerGrammar(tools) : null,
    };

    private static CallSyntax OfJsonBlocks(string start, string end) => new()
    {
        Markers = new MarkerSearch(start),
        Behind = (_, _) => new JsonBlockGrammar(start, end),
    };
}
