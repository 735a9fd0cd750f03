using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>The tags of a format that writes calls like markup.</summary>
internal sealed record TagSyntax
{
    /// <summary>Stands before a function's name.</summary>
    public required string FunctionOpen { get; init; }

    /// <summary>Stands before a parameter's name.</summary>
    public required string ParameterOpen { get; init; }

    /// <summary>Stands behind either name.</summary>
    public required string NameEnd { get; init; }

    /// <summary>Ends a value.</summary>
    public required string ParameterClose { get; init; }

    /// <summary>Ends a function.</summary>
    public required string FunctionClose { get; init; }

    /// <summary>Ends the block.</summary>
    public required string BlockClose { get; init; }

    /// <summary>What ends a value.</summary>
    public required MarkerSearch ValueEnds { get; init; }

    /// <summary>Whether a line break at either end of a value belongs to the tags.</summary>
    public bool HasValuesOnLines { get; init; }

    public static TagSyntax Qwen3Coder { get; } = new()
    {
        FunctionOpen = "<function=",
        ParameterOpen = "<parameter=",
        NameEnd = ">",
        ParameterClose = "</parameter>",
        FunctionClose = "</function>",
        BlockClose = "</tool_call>",

        // Models leave the closing tag out before the next parameter, which begins a line then.
        ValueEnds = new MarkerSearch("</parameter>", "\n<parameter="),
        HasValuesOnLines = true,
    };

    public static TagSyntax MiniMax { get; } = new()
    {
        FunctionOpen = "<invoke name=\"",
        ParameterOpen = "<parameter name=\"",
        NameEnd = "\">",
        ParameterClose = "</parameter>",
        FunctionClose = "</invoke>",
        BlockClose = "</minimax:tool_call>",
        ValueEnds = new MarkerSearch("</parameter>"),
    };
}
