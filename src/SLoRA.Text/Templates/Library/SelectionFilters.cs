namespace SLoRA.Text.Templates;

/// <summary>
/// Filters that apply other filters or tests to each item: map, select and their relatives, groupby. All but groupby are lazy.
/// </summary>
internal static class SelectionFilters
{
    public static void Register(Action<string, string, Filter> add)
    {
        add("map", "*, **", (r, v, a) => new LazySequence(r, Map(r, v, new Given(a))));
        add("select", "*, **", (r, v, a) => new LazySequence(r, Select(r, v, new Given(a), false, true)));
        add("reject", "*, **", (r, v, a) => new LazySequence(r, Select(r, v, new Given(a), false, false)));
        add("selectattr", "*, **", (r, v, a) => new LazySequence(r, Select(r, v, new Given(a), true, true)));
        add("rejectattr", "*, **", (r, v, a) => new LazySequence(r, Select(r, v, new Given(a), true, false)));
        add("groupby", "attribute, default=none, case_sensitive=false", GroupBy);
    }

    private static IEnumerable<object?> Map(Rendering r, object? value, Given given)
    {
        if (!Truth.Of(value))
        {
            Iteration.Over(r, value is null or false or 0L ? "" : value);
            yield break;
        }

        Func<object?, object?> map = Mapping(r, given);
        foreach (object? item in Iteration.Over(r, value))
        {
            r.Budget.Step();
            yield return map(item);
        }
    }

    private static Func<object?, object?> Mapping(Rendering r, Given given)
    {
        if (given.Positional.Length == 0 && given.Named.TryGet("attribute", out object? attribute))
        {
            given.Named.TryGet("default", out object? otherwise);
            foreach (KeyValuePair<object?, object?> entry in given.Named.Entries)
            {
                if (entry.Key!.ToString() is not ("attribute" or "default"))
                {
                    throw r.Runtime($"map() got an unexpected keyword argument '{entry.Key}'");
                }
            }

            return Attributes.Getter(r, attribute, otherwise);
        }

        if (given.Positional.Length == 0)
        {
            throw r.Runtime("map requires a filter argument");
        }

        string name = Text.Of(r, given.Positional[0], "map");
        Arguments arguments = given.After(1);
        return item => Nested(r, () => FilterLibrary.Call(r, name, item, arguments));
    }

    private static IEnumerable<object?> Select(Rendering r, object? value, Given given, bool byAttribute, bool keep)
    {
        if (!Truth.Of(value))
        {
            yield break;
        }

        int offset = byAttribute ? 1 : 0;
        if (given.Positional.Length < offset)
        {
            throw r.Runtime("missing parameter for the attribute name");
        }

        Func<object?, object?> read = byAttribute ? Attributes.Getter(r, given.Positional[0]) : item => item;
        Func<object?, bool> test = Truth.Of;
        if (given.Positional.Length > offset)
        {
            string name = Text.Of(r, given.Positional[offset], "select");
            Arguments arguments = given.After(offset + 1);
            test = item => Truth.Of(TestLibrary.Call(r, name, item, arguments));
        }

        foreach (object? item in Iteration.Over(r, value))
        {
            r.Budget.Step();
            if (test(read(item)) == keep)
            {
                yield return item;
            }
        }
    }

    private static object GroupBy(Rendering r, object? value, object?[] a)
    {
        Func<object?, object?> read = Attributes.Getter(r, a[0], a[1]);
        bool cased = Truth.Of(a[2]);
        object? Key(object? item) => cased ? read(item) : Attributes.WithoutCase(read(item));
        List<object?> sorted = Sorting.Sort(r, Iteration.ToArray(r, value), Key, false);
        var groups = new List<object?>();
        for (int from = 0; from < sorted.Count;)
        {
            object? key = Key(sorted[from]);
            int to = from + 1;
            while (to < sorted.Count && Equality.AreEqual(r, key, Key(sorted[to])))
            {
                to++;
            }

            r.Budget.Entries(to - from + 2);
            groups.Add(new TemplateTuple(read(sorted[from]), new TemplateList([.. sorted.GetRange(from, to - from)])) { IsGroup = true });
            from = to;
        }

        return new TemplateList([.. groups]);
    }

    // A filter can name another one that names another one: a level each.
    private static object? Nested(Rendering r, Func<object?> call)
    {
        r.Budget.Enter();
        object? result = call();
        r.Budget.Leave();
        return result;
    }

    /// <summary>The arguments as they came, of which the first names the filter or test that gets the rest.</summary>
    private sealed class Given(object?[] bound)
    {
        public object?[] Positional { get; } = ((TemplateList)bound[0]!).Items;

        public TemplateDict Named { get; } = (TemplateDict)bound[1]!;

        public Arguments After(int count) =>
            new(Positional[count..], [.. Named.Entries.Select(e => new KeyValuePair<string, object?>(e.Key!.ToString()!, e.Value))]);
    }
}
