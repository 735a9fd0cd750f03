using System.Collections.Frozen;
using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>The names every template can call unless the inputs define them otherwise.</summary>
internal static class Globals
{
    private static readonly FrozenDictionary<string, Callable> Functions = new Dictionary<string, Callable>
    {
        ["raise_exception"] =
            Function("raise_exception", "message", (r, a) => throw r.Error("template.raised", Representation.Text(r, a[0]))),
        ["strftime_now"] = Function("strftime_now", "format", (r, a) =>
            ContentText.From(r, Strftime.Format(r, r.Clock.GetLocalNow(), Text.Of(r, a[0], "strftime_now")), a[0])),
        ["range"] = Function("range", "*, /", (r, a) => Range(r, ((TemplateList)a[0]!).Items)),
        ["dict"] = Function("dict", "*, **", (r, a) => Dict(r, "dict", ((TemplateList)a[0]!).Items, (TemplateDict)a[1]!)),
        ["namespace"] = Function("namespace", "*, **", (r, a) => Namespace(r, ((TemplateList)a[0]!).Items, (TemplateDict)a[1]!)),
        ["cycler"] = Function("cycler", "*", (r, a) => ((TemplateList)a[0]!).Items is { Length: > 0 } items
            ? new Cycler(items)
            : throw r.Runtime("cycler needs at least one item")),
        ["joiner"] = Function("joiner", "sep=none", (_, a) => Joiner(a[0] ?? ", ")),
        ["lipsum"] = Function("lipsum", "*, **", (r, _) => throw r.Runtime("lipsum makes random text and is not supported")),
    }.ToFrozenDictionary();

    public static bool TryGet(string name, out object? value)
    {
        bool found = Functions.TryGetValue(name, out Callable? function);
        value = function;
        return found;
    }

    private static NativeCallable Function(string name, string signature, Func<Rendering, object?[], object?> body) =>
        new(new Parameters(name, signature), body);

    private static TemplateRange Range(Rendering r, object?[] bounds)
    {
        if (bounds.Length is 0 or > 3)
        {
            throw r.Runtime($"range expected 1 to 3 arguments, got {bounds.Length}");
        }

        foreach (object? bound in bounds)
        {
            r.Defined(bound);
            if (!Types.IsInteger(bound))
            {
                throw r.Runtime($"'{Types.Name(bound)}' object cannot be interpreted as an integer");
            }

            if (bound is BigInteger)
            {
                throw r.Runtime("range too big");
            }
        }

        long first = Integers.Clamp(bounds[0]);
        long step = bounds.Length == 3 ? Integers.Clamp(bounds[2]) : 1;
        if (step == 0)
        {
            throw r.Runtime("range() arg 3 must not be zero");
        }

        TemplateRange range =
            bounds.Length == 1 ? new TemplateRange(0, first, 1) : new TemplateRange(first, Integers.Clamp(bounds[1]), step);
        return range.Length <= TemplateRange.MaxLength
            ? range
            : throw r.Runtime($"the range has more than {TemplateRange.MaxLength} items, which the sandbox refuses");
    }

    private static TemplateDict Dict(Rendering r, string function, object?[] positional, TemplateDict named)
    {
        if (positional.Length > 1)
        {
            throw r.Runtime($"{function} expected at most 1 argument, got {positional.Length}");
        }

        var result = new TemplateDict();
        if (positional.Length == 1)
        {
            Fill(r, result, positional[0]);
        }

        r.Budget.Entries(named.Count);
        foreach ((object? key, object? value) in named.Entries)
        {
            result.Set(key, value);
        }

        return result;
    }

    private static void Fill(Rendering r, TemplateDict target, object? source)
    {
        if (source is TemplateDict dict)
        {
            r.Budget.Entries(2L * dict.Count);
            foreach ((object? key, object? value) in dict.Entries)
            {
                target.Set(key, value);
            }

            return;
        }

        foreach (object? pair in Iteration.Over(r, source))
        {
            r.Budget.Entries(2);
            object?[] items = Iteration.ToArray(r, pair);
            if (items.Length != 2)
            {
                throw r.Runtime($"a dictionary is made of pairs, not of {items.Length} items");
            }

            if (!KeyComparer.CanHash(r, items[0]))
            {
                throw r.Runtime($"a {Types.Name(items[0])} cannot be a key");
            }

            target.Set(items[0], items[1]);
        }
    }

    private static TemplateNamespace Namespace(Rendering r, object?[] positional, TemplateDict named)
    {
        var result = new TemplateNamespace();
        foreach ((object? key, object? value) in Dict(r, "namespace", positional, named).Entries)
        {
            if (Types.IsText(key))
            {
                result.Set(r, key!.ToString()!, value);
            }
        }

        return result;
    }

    private static NativeCallable Joiner(object? separator)
    {
        bool used = false;
        return new NativeCallable(new Parameters("joiner", ""), (_, _) =>
        {
            object? result = used ? separator : "";
            used = true;
            return result;
        });
    }
}
