namespace SLoRA.Text.Templates;

/// <summary>A parsed template; nothing changes it any more.</summary>
/// <param name="Body">The statements.</param>
/// <param name="Blocks">The named blocks, for <c>self</c>.</param>
/// <param name="Unset">The names that are unset when a region starts, by the region's statements.</param>
internal sealed record ParsedTemplate(
    Statement[] Body, IReadOnlyDictionary<string, BlockStatement> Blocks, IReadOnlyDictionary<Statement[], string[]> Unset);
