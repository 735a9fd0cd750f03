namespace SLoRA.Text.Templates;

/// <summary>
/// Text that is more than its characters: escaped already (<see cref="Markup"/>), or in part what the conversation says
/// (<see cref="ContentText"/>).
/// </summary>
internal abstract class RichText(string text, ContentRange[]? content)
{
    /// <summary>The characters.</summary>
    public string Text { get; } = text;

    /// <summary>Which of them the conversation says, in order and apart from each other; null for none.</summary>
    public ContentRange[]? Content { get; } = content;

    /// <inheritdoc/>
    public override string ToString() => Text;
}
