namespace SLoRA.Text.Templates;

/// <summary>
/// The one mutable value: what <c>namespace(...)</c> makes and <c>{% set ns.name = ... %}</c> writes to. It lives within one rendering.
/// </summary>
internal sealed class TemplateNamespace
{
    private readonly Dictionary<string, object?> _members = [];

    public IReadOnlyDictionary<string, object?> Members => _members;

    /// <summary>Sets a member. The sandbox keeps names with two leading underscores for the language itself.</summary>
    public void Set(Rendering r, string name, object? value)
    {
        if (name.StartsWith("__", StringComparison.Ordinal))
        {
            throw r.Use(Undefined.Forbidden(this, name));
        }

        _members[name] = value;
    }
}
