using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>When two values are equal: numbers by value across types (exactly), text by characters, containers entry by entry.</summary>
internal static class Equality
{
    public static bool AreEqual(Rendering? r, object? a, object? b)
    {
        if (ReferenceEquals(a, b))
        {
            return a is not double d || !double.IsNaN(d);
        }

        switch (a)
        {
            case null:
                return false;
            case string or RichText:
                return Types.IsText(b) && TextEquals(r, a.ToString()!, b!.ToString()!);
            case bool or long or BigInteger or double:
                return Types.IsNumber(b) && Numbers.Compare(a, b) == 0;
            case TemplateSequence left:
                return b is TemplateSequence right && left.GetType() == right.GetType() && SequenceEquals(r, left.Items, right.Items);
            case TemplateDict left:
                return b is TemplateDict other && DictEquals(r, left, other);
            case TemplateRange left:
                return b is TemplateRange range && left.Length == range.Length
                    && (left.Length == 0 || (left.Start == range.Start && (left.Length == 1 || left.Step == range.Step)));
            case Undefined:
                return b is Undefined;
            default:
                return false;
        }
    }

    private static bool TextEquals(Rendering? r, string a, string b)
    {
        if (a.Length != b.Length)
        {
            return false;
        }

        r?.Budget.Step(a.Length >> 6);
        return string.Equals(a, b, StringComparison.Ordinal);
    }

    private static bool SequenceEquals(Rendering? r, object?[] a, object?[] b)
    {
        if (a.Length != b.Length)
        {
            return false;
        }

        r?.Budget.Enter();
        bool equal = true;
        for (int i = 0; equal && i < a.Length; i++)
        {
            r?.Budget.Step();
            equal = AreEqual(r, a[i], b[i]);
        }

        r?.Budget.Leave();
        return equal;
    }

    private static bool DictEquals(Rendering? r, TemplateDict a, TemplateDict b)
    {
        if (a.Count != b.Count)
        {
            return false;
        }

        r?.Budget.Enter();
        bool equal = true;
        foreach (KeyValuePair<object?, object?> entry in a.Entries)
        {
            r?.Budget.Step();
            if (!(equal = b.TryGet(entry.Key, out object? value) && AreEqual(r, entry.Value, value)))
            {
                break;
            }
        }

        r?.Budget.Leave();
        return equal;
    }
}
