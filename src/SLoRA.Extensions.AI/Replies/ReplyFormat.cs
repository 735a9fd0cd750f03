namespace SLoRA.Extensions.AI.Replies;

/// <summary>How a model writes its answers: what marks its tool calls and what its thoughts.</summary>
/// <param name="ToolCalls">The format of calls.</param>
/// <param name="Reasoning">The format of thoughts.</param>
public sealed record ReplyFormat(ToolCallFormat ToolCalls, ReasoningFormat Reasoning)
{
    /// <summary>Plain text: no calls and no thoughts.</summary>
    public static ReplyFormat Text { get; } = new(ToolCallFormat.None, ReasoningFormat.None);

    /// <summary>
    /// The format that a chat template shows to its model: the markers that only one format has. Where there are none, <see
    /// cref="ToolCallFormat.GenericJson"/>.
    /// </summary>
    /// <param name="chatTemplate">The template's source.</param>
    /// <param name="hasToken">
    /// Whether a text is a token of the model's vocabulary, as <c>text => tokenizer.TokenToId(text) is not null</c>: some models' templates
    /// do not show how they call. Null to look at the template alone.
    /// </param>
    public static ReplyFormat Detect(string chatTemplate, Func<string, bool>? hasToken = null)
    {
        ArgumentNullException.ThrowIfNull(chatTemplate);
        return new ReplyFormat(FormatSigns.ToolCallsOf(chatTemplate, hasToken ?? (_ => false)), FormatSigns.ReasoningOf(chatTemplate));
    }
}
