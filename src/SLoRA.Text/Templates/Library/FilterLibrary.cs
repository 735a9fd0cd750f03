using System.Collections.Frozen;

namespace SLoRA.Text.Templates;

/// <summary>A filter: the value before the bar, and its bound arguments.</summary>
internal delegate object? Filter(Rendering r, object? value, object?[] a);

/// <summary>The filters of <c>|</c>, by name. The filters themselves stand with their kind: text, lists, numbers, mapping.</summary>
internal static class FilterLibrary
{
    private static readonly FrozenDictionary<string, (Parameters Parameters, Filter Body)> Filters = Collect();

    public static bool Exists(string name) => Filters.ContainsKey(name);

    public static object? Call(Rendering r, string name, object? value, Arguments arguments)
    {
        if (!Filters.TryGetValue(name, out (Parameters Parameters, Filter Body) filter))
        {
            throw r.Runtime($"no filter named '{name}' found");
        }

        return filter.Body(r, value, filter.Parameters.Bind(r, arguments));
    }

    private static FrozenDictionary<string, (Parameters Parameters, Filter Body)> Collect()
    {
        var all = new Dictionary<string, (Parameters, Filter)>();
        void Add(string name, string signature, Filter body) => all.Add(name, (new Parameters(name, signature), body));
        TextFilters.Register(Add);
        MarkupFilters.Register(Add);
        NumberFilters.Register(Add);
        ListFilters.Register(Add);
        SelectionFilters.Register(Add);
        return all.ToFrozenDictionary();
    }
}
