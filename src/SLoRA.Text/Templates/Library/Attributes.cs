using System.Globalization;

namespace SLoRA.Text.Templates;

/// <summary>What filters read from each item by the argument <c>attribute</c>: a dotted path of names and positions.</summary>
internal static class Attributes
{
    /// <summary>A getter for a path; none gives the item itself.</summary>
    public static Func<object?, object?> Getter(Rendering r, object? path, object? otherwise = null)
    {
        object?[] parts = Parts(path);
        r.Budget.Entries(4L * parts.Length);
        return item =>
        {
            foreach (object? part in parts)
            {
                item = Members.Item(r, item, part);
                if (otherwise is not null && item is Undefined)
                {
                    item = otherwise;
                }
            }

            return item;
        };
    }

    /// <summary>A getter for several paths with commas between, as a list.</summary>
    public static Func<object?, object?> SortKey(Rendering r, object? paths, bool caseSensitive)
    {
        r.Budget.Step(Types.IsText(paths) ? paths!.ToString()!.Length : 1);
        object?[] all = Types.IsText(paths) ? [.. paths!.ToString()!.Split(',')] : [paths];
        Func<object?, object?>[] getters = Array.ConvertAll(all, p => Getter(r, p));
        object? Cased(object? value) => caseSensitive ? value : WithoutCase(value);
        return getters.Length == 1
            ? item => Cased(getters[0](item))
            : item => new TemplateList(Array.ConvertAll(getters, g => Cased(g(item))));
    }

    public static object? WithoutCase(object? value) => Types.IsText(value) ? Casing.Lower(value!.ToString()!) : value;

    private static object?[] Parts(object? path) => path switch
    {
        null => [],
        string or RichText =>
            Array.ConvertAll(path.ToString()!.Split('.'), part => part.Length is > 0 and < 18 && part.All(char.IsAsciiDigit)
            ? (object?)long.Parse(part, CultureInfo.InvariantCulture)
            : part),
        _ => [path],
    };
}
