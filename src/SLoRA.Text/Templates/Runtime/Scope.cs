namespace SLoRA.Text.Templates;

/// <summary>
/// Names and their values in one region of the template; a name not found here is looked up outwards. Assignments stay in their region.
/// </summary>
internal sealed class Scope(Scope? parent, bool isBlock = false)
{
    private static readonly object Unset = new();

    private Dictionary<string, object?>? _names;

    public Scope? Parent { get; } = parent;

    private bool IsBlock { get; } = isBlock;

    public void Set(string name, object? value) => (_names ??= new Dictionary<string, object?>(StringComparer.Ordinal))[name] = value;

    /// <summary>Makes names that this region will assign later invisible from outside, until then.</summary>
    public void Hide(string[] names)
    {
        _names ??= new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (string name in names)
        {
            _names.TryAdd(name, Unset);
        }
    }

    public bool TryGet(string name, out object? value)
    {
        // A named block looks at values only, not at what the regions around it will assign.
        bool values = false;
        for (Scope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._names is not null && scope._names.TryGetValue(name, out value) && !(values && ReferenceEquals(value, Unset)))
            {
                if (ReferenceEquals(value, Unset))
                {
                    value = Undefined.Name(name);
                }

                return true;
            }

            values |= scope.IsBlock;
        }

        value = null;
        return false;
    }
}
