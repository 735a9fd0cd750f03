namespace SLoRA.Text.Templates;

/// <summary>The methods of lists, tuples and dictionaries that read.</summary>
internal static class ContainerMethods
{
    private static readonly Parameters Get = new("get", "key, default=none, /");
    private static readonly Parameters Keys = new("keys", "");
    private static readonly Parameters Values = new("values", "");
    private static readonly Parameters Items = new("items", "");
    private static readonly Parameters Copy = new("copy", "");
    private static readonly Parameters Count = new("count", "value, /");
    private static readonly Parameters Index = new("index", "value, start=0, stop=9223372036854775807, /");

    public static Callable? Of(TemplateDict dict, string name) => name switch
    {
        "get" => new NativeCallable(Get, (r, a) => Lookup(r, dict, a[0], a[1])),
        "keys" => new NativeCallable(Keys, (_, _) => new DictView(dict, DictPart.Keys)),
        "values" => new NativeCallable(Values, (_, _) => new DictView(dict, DictPart.Values)),
        "items" => new NativeCallable(Items, (_, _) => new DictView(dict, DictPart.Items)),
        "copy" => new NativeCallable(Copy, (_, _) => dict),
        _ => null,
    };

    public static Callable? Of(TemplateSequence sequence, string name) => name switch
    {
        "count" => new NativeCallable(Count, (r, a) => Occurrences(r, sequence, a[0])),
        "index" => new NativeCallable(Index, (r, a) => Position(r, sequence, a)),
        "copy" when sequence is TemplateList => new NativeCallable(Copy, (_, _) => sequence),
        _ => null,
    };

    private static object? Lookup(Rendering r, TemplateDict dict, object? key, object? otherwise)
    {
        if (!KeyComparer.CanHash(r, key))
        {
            throw r.Runtime($"a {Types.Name(key)} cannot be a key");
        }

        return dict.TryGet(key, out object? value) ? value : otherwise;
    }

    private static object Occurrences(Rendering r, TemplateSequence sequence, object? value)
    {
        r.Budget.Step(sequence.Items.Length);
        return (long)sequence.Items.Count(item => Equality.AreEqual(r, item, value));
    }

    private static object Position(Rendering r, TemplateSequence sequence, object?[] a)
    {
        long length = sequence.Items.Length;
        long start = Math.Clamp(FromEnd(Integers.Clamp(a[1]), length), 0, length);
        long stop = Math.Clamp(FromEnd(Integers.Clamp(a[2]), length), 0, length);
        for (long i = start; i < stop; i++)
        {
            r.Budget.Step();
            if (Equality.AreEqual(r, sequence.Items[i], a[0]))
            {
                return i;
            }
        }

        throw r.Runtime("the value is not in the list");
    }

    private static long FromEnd(long index, long length) => index < 0 ? index + length : index;
}
