using System.Globalization;

namespace SLoRA.Text.Templates;

/// <summary>
/// The parameters of a library function, written as <c>"old, new, count=-1"</c>. A slash after the last makes all of them positional only,
/// a star collects the remaining positional arguments in a list, two stars the named ones in a dictionary.
/// </summary>
internal sealed class Parameters
{
    private readonly string _function;
    private readonly List<(string Name, bool Required, object? Default)> _slots = [];
    private readonly bool _positionalOnly;
    private readonly bool _rest;
    private readonly bool _restNamed;

    public Parameters(string function, string signature)
    {
        _function = function;
        foreach (string part in signature.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "/")
            {
                _positionalOnly = true;
            }
            else if (part == "*")
            {
                _rest = true;
            }
            else if (part == "**")
            {
                _restNamed = true;
            }
            else if (part.Split('=', 2) is [string name, string value])
            {
                _slots.Add((name, false, Literal(value)));
            }
            else
            {
                _slots.Add((part, true, null));
            }
        }
    }

    /// <summary>One value per parameter, defaults filled in; then the collected rest.</summary>
    public object?[] Bind(Rendering r, Arguments arguments)
    {
        int count = _slots.Count;
        object?[] bound = new object?[count + (_rest ? 1 : 0) + (_restNamed ? 1 : 0)];
        bool[] given = new bool[count];
        int positional = Math.Min(count, arguments.Positional.Length);
        for (int i = 0; i < positional; i++)
        {
            bound[i] = arguments.Positional[i];
            given[i] = true;
        }

        if (_rest)
        {
            bound[count] = new TemplateList(arguments.Positional[positional..]);
        }
        else if (arguments.Positional.Length > count)
        {
            throw r.Runtime($"{_function}() takes at most {count} arguments ({arguments.Positional.Length} given)");
        }

        BindNamed(r, arguments, bound, given);
        for (int i = 0; i < count; i++)
        {
            if (given[i])
            {
                continue;
            }

            if (_slots[i].Required)
            {
                throw r.Runtime($"{_function}() is missing its argument '{_slots[i].Name}'");
            }

            bound[i] = _slots[i].Default;
        }

        return bound;
    }

    private void BindNamed(Rendering r, Arguments arguments, object?[] bound, bool[] given)
    {
        TemplateDict? rest = _restNamed ? new TemplateDict() : null;
        foreach ((string name, object? value) in arguments.Named)
        {
            int slot = _positionalOnly ? -1 : _slots.FindIndex(s => s.Name == name);
            if (slot >= 0 && !given[slot])
            {
                bound[slot] = value;
                given[slot] = true;
            }
            else if (slot < 0 && rest is not null)
            {
                rest.Set(r.NameOf(name), value);
            }
            else
            {
                throw r.Runtime($"{_function}() got an unexpected keyword argument '{name}'");
            }
        }

        if (rest is not null)
        {
            bound[^1] = rest;
        }
    }

    private static object? Literal(string text) => text switch
    {
        "none" => null,
        "true" => true,
        "false" => false,
        ['\'', .. string inner, '\''] => inner,
        _ => long.Parse(text, CultureInfo.InvariantCulture),
    };
}
