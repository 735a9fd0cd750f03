namespace SLoRA.Text.Templates;

/// <summary>The one mutable value: what <c>namespace(...)</c> makes and <c>{% set ns.name = ... %}</c> writes to. It lives within one rendering.</summary>
internal sealed class TemplateNamespace
{
    public Dictionary<string, object?> Members { get; } = [];
}
