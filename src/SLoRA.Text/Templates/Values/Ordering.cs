namespace SLoRA.Text.Templates;

/// <summary>
/// The order of values: numbers by value, text by code points, lists and tuples entry by entry. Anything else has no order.
/// </summary>
internal static class Ordering
{
    /// <summary>Whether <c>a OP b</c> holds, for <c>&lt; &lt;= &gt; &gt;=</c>.</summary>
    public static bool Holds(Rendering r, object? a, string op, object? b)
    {
        int order = Compare(r, a, b, op);
        return order != Unordered && op switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };
    }

    /// <summary>The value that says "neither before, equal nor after" (a NaN is involved).</summary>
    public const int Unordered = 2;

    public static int Compare(Rendering r, object? a, object? b, string op = "<")
    {
        r.Defined(a);
        r.Defined(b);
        if (Types.IsNumber(a) && Types.IsNumber(b))
        {
            int order = Numbers.Compare(a!, b);
            return Math.Abs(order) == Unordered ? Unordered : Math.Sign(order);
        }

        if (Types.IsText(a) && Types.IsText(b))
        {
            return CompareText(r, a!.ToString()!, b!.ToString()!);
        }

        if (a is TemplateSequence left && b is TemplateSequence right && left.GetType() == right.GetType())
        {
            return CompareItems(r, left.Items, right.Items, op);
        }

        throw r.Runtime($"'{op}' not supported between instances of '{Types.Name(a)}' and '{Types.Name(b)}'");
    }

    private static int CompareText(Rendering r, string a, string b)
    {
        int common = a.AsSpan().CommonPrefixLength(b);
        r.Budget.Step(1 + (common >> 6));
        if (common == a.Length || common == b.Length)
        {
            return a.Length.CompareTo(b.Length);
        }

        // Surrogates stand for code points above the rest of the 16-bit range, so they sort last.
        char x = a[common], y = b[common];
        bool xs = char.IsSurrogate(x), ys = char.IsSurrogate(y);
        return xs != ys ? (xs ? 1 : -1) : Math.Sign(x - y);
    }

    private static int CompareItems(Rendering r, object?[] a, object?[] b, string op)
    {
        r.Budget.Enter();
        int order = 0;
        int i = 0;
        for (; i < a.Length && i < b.Length; i++)
        {
            r.Budget.Step();
            if (!Equality.AreEqual(r, a[i], b[i]))
            {
                break;
            }
        }

        order = i < a.Length && i < b.Length ? Compare(r, a[i], b[i], op) : a.Length.CompareTo(b.Length);
        r.Budget.Leave();
        return order;
    }
}
