namespace SLoRA.Text.Templates;

/// <summary>A dictionary in insertion order whose keys compare as the language compares values (1, 1.0 and true are one key).</summary>
internal sealed class TemplateDict
{
    private readonly Dictionary<object, int> _index;
    private readonly List<KeyValuePair<object?, object?>> _entries;

    public TemplateDict(int capacity = 0)
    {
        _index = new Dictionary<object, int>(capacity, KeyComparer.Instance);
        _entries = new List<KeyValuePair<object?, object?>>(capacity);
    }

    /// <summary>Keys and values in the order the keys were first set.</summary>
    public List<KeyValuePair<object?, object?>> Entries => _entries;

    public int Count => _entries.Count;

    /// <summary>Sets a key. Only whoever builds the dictionary calls this; afterwards it never changes.</summary>
    public void Set(object? key, object? value)
    {
        object boxed = key ?? NoneKey.Instance;
        if (_index.TryGetValue(boxed, out int at))
        {
            _entries[at] = new(_entries[at].Key, value);
            return;
        }

        _index.Add(boxed, _entries.Count);
        _entries.Add(new(key, value));
    }

    public bool TryGet(object? key, out object? value)
    {
        if (_index.TryGetValue(key ?? NoneKey.Instance, out int at))
        {
            value = _entries[at].Value;
            return true;
        }

        value = null;
        return false;
    }

    /// <summary>Stands for none among the keys, which a Dictionary cannot hold as null.</summary>
    private sealed class NoneKey
    {
        public static readonly NoneKey Instance = new();
    }
}
