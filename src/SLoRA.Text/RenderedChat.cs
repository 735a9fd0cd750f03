namespace SLoRA.Text;

/// <summary>A rendered conversation together with the parts that the template marks as the assistant's own.</summary>
/// <param name="Text">The prompt.</param>
/// <param name="GenerationRanges">
/// Ranges of <c>{% generation %}</c> blocks, counted in code points (as transformers counts them), the end excluded; in the order they were
/// written.
/// </param>
public sealed record RenderedChat(string Text, IReadOnlyList<(int Start, int End)> GenerationRanges);
