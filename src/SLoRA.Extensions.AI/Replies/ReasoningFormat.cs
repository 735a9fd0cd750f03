using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies;

/// <summary>How a model marks what it thinks before it answers. Thoughts count at the start of an answer only, and do not nest.</summary>
public sealed class ReasoningFormat
{
    private readonly string[] _starts;

    private ReasoningFormat(string name, string[] starts, string[] ends)
    {
        Name = name;
        _starts = starts;
        Starts = new MarkerSearch(starts);
        Ends = new MarkerSearch(ends);
    }

    /// <summary>The model does not mark thoughts.</summary>
    public static ReasoningFormat None { get; } = new("none", [], []);

    /// <summary>
    /// <c>&lt;think&gt;</c> ... <c>&lt;/think&gt;</c>: Qwen 3, QwQ, DeepSeek R1 and V3.1, GLM 4.5, MiniMax M2, Hermes and others.
    /// </summary>
    public static ReasoningFormat Think { get; } = new("think", ["<think>"], ["</think>"]);

    /// <summary><c>[THINK]</c> ... <c>[/THINK]</c>: Magistral and later models of Mistral.</summary>
    public static ReasoningFormat Mistral { get; } = new("mistral", ["[THINK]"], ["[/THINK]"]);

    /// <summary><c>Here is my thought process:</c> ... <c>Here is my response:</c>: Granite 3.2.</summary>
    public static ReasoningFormat Granite { get; } = new(
        "granite",
        ["Here is my thought process:", "Here's my thought process:"],
        ["Here is my response:", "Here's my response:"]);

    /// <summary>All formats.</summary>
    public static IReadOnlyList<ReasoningFormat> All { get; } = [None, Think, Mistral, Granite];

    /// <summary>The name that options and documentation use.</summary>
    public string Name { get; }

    internal MarkerSearch Starts { get; }

    internal MarkerSearch Ends { get; }

    /// <summary>
    /// Whether a rendered prompt has opened the block, so that the answer begins with thoughts: it ends with the start marker.
    /// </summary>
    /// <param name="prompt">The text that the chat template made.</param>
    public bool IsOpenAtEndOf(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ReadOnlySpan<char> end = prompt.AsSpan().TrimEnd();
        foreach (string start in _starts)
        {
            if (end.EndsWith(start))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}
