namespace SLoRA.Text.Templates;

/// <summary>Filters over the items of a value.</summary>
internal static class ListFilters
{
    public static void Register(Action<string, string, Filter> add)
    {
        Filter length = (r, v, _) => Iteration.Length(r, v);
        Filter otherwise = (_, v, a) => v is Undefined || (Truth.Of(a[1]) && !Truth.Of(v)) ? a[0] : v;
        add("length", "", length);
        add("count", "", length);
        add("default", "default_value='', boolean=false", otherwise);
        add("d", "default_value='', boolean=false", otherwise);
        add("list", "", (r, v, _) => v is TemplateList ? v : new TemplateList(Iteration.ToArray(r, v)));
        add("first", "", First);
        add("last", "", Last);
        add("random", "", (r, _, _) => throw r.Runtime("the filter 'random' is not supported: a prompt must not depend on chance"));
        add("reverse", "", Reverse);
        add("sort", "reverse=false, case_sensitive=false, attribute=none", (r, v, a) =>
            new TemplateList(
                [.. Sorting.Sort(
                r, Iteration.ToArray(r, v), Attributes.SortKey(r, a[2], Truth.Of(a[1])), Text.Whole(r, a[0], "sort") != 0)]));
        add("unique", "case_sensitive=false, attribute=none", (r, v, a) => new LazySequence(r, Unique(r, v, a)));
        add("min", "case_sensitive=false, attribute=none", (r, v, a) => Extreme(r, v, a, "<"));
        add("max", "case_sensitive=false, attribute=none", (r, v, a) => Extreme(r, v, a, ">"));
        add("sum", "attribute=none, start=0", Sum);
        add("batch", "linecount, fill_with=none", (r, v, a) => new LazySequence(r, Batch(r, v, a)));
        add("slice", "slices, fill_with=none", (r, v, a) => new LazySequence(r, Slice(r, v, a)));
        add("items", "", Items);
        add("dictsort", "case_sensitive=false, by='key', reverse=false", DictSort);
        add("attr", "name", (r, v, a) => Members.AttributeOnly(r, v, Text.Of(r, a[0], "attr")));
    }

    private static object? First(Rendering r, object? value, object?[] a)
    {
        foreach (object? item in Iteration.Over(r, value))
        {
            return item;
        }

        return new Undefined("No first item, sequence was empty.");
    }

    private static object? Last(Rendering r, object? value, object?[] a)
    {
        if (value is LazySequence)
        {
            throw r.Runtime("'generator' object is not reversible");
        }

        object?[] items = value is TemplateRange range ? (range.Length > 0 ? [range[range.Length - 1]] : []) : Iteration.ToArray(r, value);
        return items.Length > 0 ? items[^1] : new Undefined("No last item, sequence was empty.");
    }

    private static object Reverse(Rendering r, object? value, object?[] a)
    {
        if (Types.IsText(value))
        {
            string text = value!.ToString()!;
            r.Budget.Characters(text.Length);
            object reversed = ContentText.From(r, CodePoints.Reverse(text), value);
            return value is Markup ? Markup.Of(reversed) : reversed;
        }

        object?[] items = [.. Iteration.ToArray(r, value)];
        r.Budget.Entries(items.Length);
        Array.Reverse(items);
        // What cannot be walked backwards becomes a list first, and stays one.
        return value is LazySequence ? new TemplateList(items) : new LazySequence(r, items);
    }

    private static IEnumerable<object?> Unique(Rendering r, object? value, object?[] a)
    {
        Func<object?, object?> key = Attributes.Getter(r, a[1]);
        var seen = new TemplateDict();
        foreach (object? item in Iteration.Over(r, value))
        {
            object? id = Truth.Of(a[0]) ? key(item) : Attributes.WithoutCase(key(item));
            if (!KeyComparer.CanHash(r, id))
            {
                throw r.Runtime($"unhashable type: '{Types.Name(id)}'");
            }

            r.Budget.Entries(2);
            if (seen.TryGet(id, out _))
            {
                continue;
            }

            seen.Set(id, null);
            yield return item;
        }
    }

    private static object? Extreme(Rendering r, object? value, object?[] a, string op)
    {
        Func<object?, object?> key = Attributes.Getter(r, a[1]);
        object? best = null, bestKey = null;
        bool any = false;
        foreach (object? item in Iteration.Over(r, value))
        {
            r.Budget.Step();
            object? itemKey = Truth.Of(a[0]) ? key(item) : Attributes.WithoutCase(key(item));
            if (any && !Ordering.Holds(r, itemKey, op, bestKey))
            {
                continue;
            }

            (best, bestKey, any) = (item, itemKey, true);
        }

        return any ? best : new Undefined("No aggregated item, sequence was empty.");
    }

    private static object? Sum(Rendering r, object? value, object?[] a)
    {
        Func<object?, object?> key = Attributes.Getter(r, a[0]);
        object? total = a[1];
        if (Types.IsText(total))
        {
            throw r.Runtime("sum() can't sum strings");
        }

        foreach (object? item in Iteration.Over(r, value))
        {
            r.Budget.Step();
            total = Operators.Apply(r, "+", total, key(item));
        }

        return total;
    }

    private static IEnumerable<object?> Batch(Rendering r, object? value, object?[] a)
    {
        long size = Text.Whole(r, a[0], "batch");
        var batch = new List<object?>();
        foreach (object? item in Iteration.Over(r, value))
        {
            r.Budget.Entries(1);
            if (batch.Count == size)
            {
                yield return new TemplateList([.. batch]);
                batch.Clear();
            }

            batch.Add(item);
        }

        if (batch.Count == 0)
        {
            yield break;
        }

        if (a[1] is not null && batch.Count < size)
        {
            r.Budget.Entries(size - batch.Count);
            batch.AddRange(Enumerable.Repeat(a[1], (int)(size - batch.Count)));
        }

        yield return new TemplateList([.. batch]);
    }

    private static IEnumerable<object?> Slice(Rendering r, object? value, object?[] a)
    {
        object?[] items = Iteration.ToArray(r, value);
        long slices = Text.Whole(r, a[0], "slice");
        if (slices == 0)
        {
            throw r.Runtime("integer division or modulo by zero");
        }

        r.Budget.Entries(items.Length);
        long size = items.Length / Math.Max(1, slices);
        long extra = items.Length % Math.Max(1, slices);
        long from = 0;
        for (long i = 0; i < slices; i++)
        {
            r.Budget.Entries(1);
            long to = from + size + (i < extra ? 1 : 0);
            object?[] part = items[(int)from..(int)to];
            yield return new TemplateList(a[1] is not null && i >= extra ? [.. part, a[1]] : part);
            from = to;
        }
    }

    private static object Items(Rendering r, object? value, object?[] a) => value switch
    {
        Undefined => new LazySequence(r, []),
        TemplateDict dict => new LazySequence(r, new DictView(dict, DictPart.Items).Items()),
        _ => throw r.Runtime("Can only get item pairs from a mapping."),
    };

    private static object DictSort(Rendering r, object? value, object?[] a)
    {
        r.Defined(value);
        if (value is not TemplateDict dict)
        {
            throw r.Runtime($"dictsort() needs a mapping, not {Types.Name(value)}");
        }

        int part = Text.Of(r, a[1], "dictsort") switch
        {
            "key" => 0,
            "value" => 1,
            _ => throw r.Runtime("dictsort() can only sort by either \"key\" or \"value\""),
        };
        object?[] pairs = Iteration.ToArray(r, new DictView(dict, DictPart.Items));
        bool cased = Truth.Of(a[0]);
        object? Key(object? pair)
        {
            object? key = ((TemplateTuple)pair!).Items[part];
            return cased ? key : Attributes.WithoutCase(key);
        }

        return new TemplateList([.. Sorting.Sort(r, pairs, Key, Text.Whole(r, a[2], "dictsort") != 0)]);
    }
}
