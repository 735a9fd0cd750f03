namespace SLoRA.Text.Templates;

/// <summary>Names and their values in one region of the template; a name not found here is looked up outwards. Assignments stay in their region.</summary>
internal sealed class Scope(Scope? parent)
{
    private Dictionary<string, object?>? _names;

    public Scope? Parent { get; } = parent;

    public void Set(string name, object? value) => (_names ??= new Dictionary<string, object?>(StringComparer.Ordinal))[name] = value;

    public bool TryGet(string name, out object? value)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._names is not null && scope._names.TryGetValue(name, out value))
                return true;
        }

        value = null;
        return false;
    }
}
