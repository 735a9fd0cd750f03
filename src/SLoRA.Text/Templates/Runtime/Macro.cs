namespace SLoRA.Text.Templates;

/// <summary>A macro or the body of a call block, together with the scope it was defined in.</summary>
internal sealed class Macro(string? name, Signature signature, Statement[] body, Scope scope) : Callable
{
    public string? Name { get; } = name;

    public Signature Signature { get; } = signature;

    public override object? Invoke(Rendering r, Arguments arguments)
    {
        var inner = new Scope(scope);
        Bind(r, inner, arguments);
        return r.Captured(r.Evaluator.Capture(inner, body));
    }

    private void Bind(Rendering r, Scope inner, Arguments arguments)
    {
        string[] names = Signature.Names;
        var named = new List<KeyValuePair<string, object?>>(arguments.Named);
        r.Budget.Step(named.Count * (1 + names.Length));
        int positional = Math.Min(names.Length, arguments.Positional.Length);
        for (int i = 0; i < positional; i++)
        {
            inner.Set(names[i], arguments.Positional[i]);
        }

        bool callerIsParameter = Array.IndexOf(names, "caller") >= 0;
        object? caller = Signature.UsesCaller && !callerIsParameter ? Take(named, "caller", new Undefined("No caller defined")) : null;
        var missing = new List<int>();
        for (int i = positional; i < names.Length; i++)
        {
            object? value = Take(named, names[i], Absent);
            if (ReferenceEquals(value, Absent))
            {
                missing.Add(i);
            }
            else
            {
                inner.Set(names[i], value);
            }
        }

        if (Signature.UsesCaller && !callerIsParameter)
        {
            inner.Set("caller", caller);
        }

        Rest(r, inner, arguments, named);
        // Defaults see the other arguments; one without a default is undefined.
        foreach (int i in missing)
        {
            inner.Set(names[i], new Undefined($"parameter '{names[i]}' was not provided"));
        }

        foreach (int i in missing)
        {
            int at = i - (names.Length - Signature.Defaults.Length);
            if (at >= 0)
            {
                inner.Set(names[i], r.Evaluator.Evaluate(inner, Signature.Defaults[at]));
            }
        }
    }

    private void Rest(Rendering r, Scope inner, Arguments arguments, List<KeyValuePair<string, object?>> named)
    {
        int count = Signature.Names.Length;
        string label = Name is null ? "None" : $"'{Name}'";
        if (Signature.UsesKwargs)
        {
            var rest = new TemplateDict();
            foreach ((string key, object? value) in named)
            {
                rest.Set(r.NameOf(key), value);
            }

            inner.Set("kwargs", rest);
        }
        else if (named.Count > 0)
        {
            throw r.Runtime($"macro {label} takes no keyword argument '{named[0].Key}'");
        }

        if (Signature.UsesVarargs)
        {
            inner.Set("varargs", new TemplateTuple(arguments.Positional[Math.Min(count, arguments.Positional.Length)..]));
        }
        else if (arguments.Positional.Length > count)
        {
            throw r.Runtime($"macro {label} takes not more than {count} argument(s)");
        }
    }

    private static readonly object Absent = new();

    private static object? Take(List<KeyValuePair<string, object?>> named, string name, object? otherwise)
    {
        int at = named.FindIndex(n => n.Key == name);
        if (at < 0)
        {
            return otherwise;
        }

        object? value = named[at].Value;
        named.RemoveAt(at);
        return value;
    }
}
