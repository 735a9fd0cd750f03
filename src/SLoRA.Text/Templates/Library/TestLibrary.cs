using System.Collections.Frozen;
using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>The tests of <c>is</c>, by name.</summary>
internal static class TestLibrary
{
    private static readonly FrozenDictionary<string, (Parameters Parameters, Func<Rendering, object?, object?[], bool> Body)> Tests =
        new Dictionary<string, (Parameters, Func<Rendering, object?, object?[], bool>)>
        {
            ["defined"] = Of("defined", (_, v, _) => v is not Undefined),
            ["undefined"] = Of("undefined", (_, v, _) => v is Undefined),
            ["none"] = Of("none", (_, v, _) => v is null),
            ["boolean"] = Of("boolean", (_, v, _) => v is bool),
            ["true"] = Of("true", (_, v, _) => v is true),
            ["false"] = Of("false", (_, v, _) => v is false),
            ["integer"] = Of("integer", (_, v, _) => v is long or BigInteger),
            ["float"] = Of("float", (_, v, _) => v is double),
            ["number"] = Of("number", (_, v, _) => Types.IsNumber(v)),
            ["string"] = Of("string", (_, v, _) => Types.IsText(v)),
            ["mapping"] = Of("mapping", (_, v, _) => v is TemplateDict),
            ["iterable"] =
                Of("iterable", (r, v, _) => v is Undefined { Code: Undefined.Unsafe } u ? throw r.Use(u) : Iteration.IsIterable(v)),
            ["sequence"] =
                Of("sequence", (_, v, _) => v is string or RichText or TemplateSequence or TemplateDict or TemplateRange or Undefined),
            ["callable"] = Of("callable", (_, v, _) => v is Callable or Undefined),
            ["escaped"] = Of("escaped", (_, v, _) => v is Markup),
            ["sameas"] = Of("sameas", (_, v, a) => Same(v, a[0]), "other"),
            ["in"] = Of("in", (r, v, a) => Operators.Contains(r, a[0], v), "seq"),
            ["lower"] = Of("lower", (r, v, _) => TextSearch.IsCase(Representation.Text(r, v), false)),
            ["upper"] = Of("upper", (r, v, _) => TextSearch.IsCase(Representation.Text(r, v), true)),
            ["odd"] = Of("odd", (r, v, _) => Equality.AreEqual(r, Operators.Apply(r, "%", v, 2L), 1L)),
            ["even"] = Of("even", (r, v, _) => Equality.AreEqual(r, Operators.Apply(r, "%", v, 2L), 0L)),
            ["divisibleby"] = Of("divisibleby", (r, v, a) => Equality.AreEqual(r, Operators.Apply(r, "%", v, a[0]), 0L), "num"),
            ["filter"] = Of("filter", (r, v, _) => FilterLibrary.Exists(Text.Of(r, v, "filter"))),
            ["test"] = Of("test", (r, v, _) => Exists(Text.Of(r, v, "test"))),
            ["eq"] = Comparison("=="),
            ["equalto"] = Comparison("=="),
            ["=="] = Comparison("=="),
            ["ne"] = Comparison("!="),
            ["!="] = Comparison("!="),
            ["lt"] = Comparison("<"),
            ["lessthan"] = Comparison("<"),
            ["<"] = Comparison("<"),
            ["le"] = Comparison("<="),
            ["<="] = Comparison("<="),
            ["gt"] = Comparison(">"),
            ["greaterthan"] = Comparison(">"),
            [">"] = Comparison(">"),
            ["ge"] = Comparison(">="),
            [">="] = Comparison(">="),
        }.ToFrozenDictionary();

    public static bool Exists(string name) => Tests.ContainsKey(name);

    public static object Call(Rendering r, string name, object? value, Arguments arguments)
    {
        if (!Tests.TryGetValue(name, out (Parameters Parameters, Func<Rendering, object?, object?[], bool> Body) test))
        {
            throw r.Runtime($"no test named '{name}' found");
        }

        return test.Body(r, value, test.Parameters.Bind(r, arguments));
    }

    private static bool Same(object? a, object? b) => ReferenceEquals(a, b) || (a, b) switch
    {
        (bool x, bool y) => x == y,
        (long x, long y) => x == y && x is >= -5 and <= 256,
        (string or ContentText, string or ContentText) => a.ToString() is { Length: <= 1 } text && text == b.ToString(),
        _ => false,
    };

    private static (Parameters Parameters, Func<Rendering, object?, object?[], bool> Body) Of(
        string name, Func<Rendering, object?, object?[], bool> body, string signature = "") =>
        (new Parameters(name, signature), body);

    private static (Parameters Parameters, Func<Rendering, object?, object?[], bool> Body) Comparison(string op) =>
        Of(op, (r, v, a) => Operators.Holds(r, v, op, a[0]), "other, /");
}
