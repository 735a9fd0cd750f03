using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>
/// Arithmetic and comparison. Integers stay exact; <c>/</c> always gives a float; <c>//</c> and <c>%</c> round towards minus infinity.
/// </summary>
internal static class Operators
{
    public static bool Holds(Rendering r, object? left, string op, object? right) => op switch
    {
        "==" => Equality.AreEqual(r, left, right),
        "!=" => !Equality.AreEqual(r, left, right),
        "in" => Contains(r, right, left),
        "not in" => !Contains(r, right, left),
        _ => Ordering.Holds(r, left, op, right),
    };

    public static object? Apply(Rendering r, string op, object? a, object? b)
    {
        // Text formatting and repetition take any value on the right, defined or not; the left decides.
        if (op == "%" && Types.IsText(a))
        {
            return PercentFormat.Apply(r, a!, b);
        }

        r.Defined(a);
        r.Defined(b);
        if (a is long x && b is long y && Small(op, x, y) is { } quick)
        {
            return quick;
        }

        if (Types.IsNumber(a) && Types.IsNumber(b))
        {
            return a is double || b is double || op == "/" ? Floating(r, op, a, b) : Whole(r, op, Integers.Big(a), Integers.Big(b));
        }

        return op switch
        {
            "+" => Add(r, a, b),
            "*" when Types.IsInteger(b) => Repeat(r, a, b),
            "*" when Types.IsInteger(a) => Repeat(r, b, a),
            _ => throw Mismatch(r, op, a, b),
        };
    }

    public static object Sign(Rendering r, bool minus, object? value)
    {
        r.Defined(value);
        return value switch
        {
            double d => minus ? -d : d,
            long or bool or BigInteger => Integers.Of(minus ? -Integers.Big(value) : Integers.Big(value)),
            _ => throw r.Runtime($"bad operand type for unary {(minus ? '-' : '+')}: '{Types.Name(value)}'"),
        };
    }

    public static bool Contains(Rendering r, object? container, object? item)
    {
        switch (container)
        {
            case string or RichText:
                r.Defined(item);
                if (!Types.IsText(item))
                {
                    throw r.Runtime($"'in <string>' requires string as left operand, not {Types.Name(item)}");
                }

                string text = container.ToString()!;
                string sub = item!.ToString()!;
                r.Budget.Search(text.Length, sub.Length);
                return text.Contains(sub, StringComparison.Ordinal);
            case TemplateDict dict:
                return Key(r, dict, item);
            case DictView { Part: DictPart.Keys } view:
                return Key(r, view.Dict, item);
            case TemplateRange range when item is long or bool:
                return range.Contains(Integers.Clamp(item));
            default:
                if (!Iteration.IsIterable(container))
                {
                    throw r.Runtime($"argument of type '{Types.Name(container)}' is not iterable");
                }

                foreach (object? entry in Iteration.Over(r, container))
                {
                    r.Budget.Step();
                    if (Equality.AreEqual(r, entry, item))
                    {
                        return true;
                    }
                }

                return false;
        }
    }

    private static bool Key(Rendering r, TemplateDict dict, object? item) => KeyComparer.CanHash(r, item)
        ? dict.TryGet(item, out _)
        : throw r.Runtime($"a {Types.Name(item)} cannot be a key");

    private static object? Small(string op, long a, long b)
    {
        long result;
        switch (op)
        {
            case "+":
                result = unchecked(a + b);
                return ((a ^ result) & (b ^ result)) < 0 ? null : result;
            case "-":
                result = unchecked(a - b);
                return ((a ^ b) & (a ^ result)) < 0 ? null : result;
            case "*":
                return Math.BigMul(a, b, out result) == result >> 63 ? result : null;
            default:
                return null;
        }
    }

    private static object Whole(Rendering r, string op, BigInteger a, BigInteger b)
    {
        switch (op)
        {
            case "+": return Integers.Checked(r, a + b);
            case "-": return Integers.Checked(r, a - b);
            case "*": return Integers.Checked(r, a * b);
            case "//" or "%":
                if (b.IsZero)
                {
                    throw r.Runtime("integer division or modulo by zero");
                }

                (BigInteger quotient, BigInteger remainder) = Integers.FloorDivide(a, b);
                return Integers.Of(op == "%" ? remainder : quotient);
            default:
                return Power(r, a, b);
        }
    }

    private static object Power(Rendering r, BigInteger a, BigInteger b)
    {
        if (b.Sign < 0)
        {
            return FloatPower(r, Numbers.ToDouble(a), Numbers.ToDouble(b));
        }

        if (a.IsZero || a.IsOne || b.IsZero)
        {
            return b.IsZero ? 1L : Integers.Of(a);
        }

        if (a == BigInteger.MinusOne)
        {
            return b.IsEven ? 1L : -1L;
        }

        if (b * (a.GetBitLength() - 1) > Integers.MaxBits)
        {
            throw r.Error("template.limit", "the template computes an integer of more than 4300 digits");
        }

        return Integers.Checked(r, BigInteger.Pow(a, (int)b));
    }

    private static object Floating(Rendering r, string op, object? left, object? right)
    {
        double a = ToFloat(r, left), b = ToFloat(r, right);
        switch (op)
        {
            case "+": return a + b;
            case "-": return a - b;
            case "*": return a * b;
            case "**": return FloatPower(r, a, b);
        }

        if (b == 0)
        {
            throw r.Runtime(left is double || right is double ? "float division by zero" : "division by zero");
        }

        if (op == "/")
        {
            return left is double || right is double ? a / b : Quotient(r, Integers.Big(left), Integers.Big(right));
        }

        double remainder = a % b;
        if (remainder != 0 && (remainder < 0) != (b < 0))
        {
            remainder += b;
        }
        else if (remainder == 0)
        {
            remainder = Math.CopySign(0, b);
        }

        if (op == "%")
        {
            return remainder;
        }

        double quotient = (a - remainder) / b;
        if (quotient == 0)
        {
            return Math.CopySign(0, a / b);
        }

        double floor = Math.Floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    // Exactly rounded, also where the operands exceed a float's digits.
    private static double Quotient(Rendering r, BigInteger a, BigInteger b)
    {
        if (a.GetBitLength() <= 53 && b.GetBitLength() <= 53)
        {
            return (double)a / (double)b;
        }

        bool negative = a.Sign * b.Sign < 0;
        a = BigInteger.Abs(a);
        b = BigInteger.Abs(b);
        if (a.IsZero)
        {
            return 0;
        }

        int shift = (int)(b.GetBitLength() - a.GetBitLength()) + 66;
        BigInteger quotient =
            shift >= 0 ? BigInteger.DivRem(a << shift, b, out BigInteger rest) : BigInteger.DivRem(a, b << -shift, out rest);
        if (!rest.IsZero)
        {
            quotient |= 1;
        }

        double value = Math.ScaleB(Rounded(quotient), -shift);
        if (double.IsInfinity(value))
        {
            throw r.Runtime("integer division result too large for a float");
        }

        return negative ? -value : value;
    }

    // 66 or 67 bits with a sticky last bit, rounded to 53 with ties to even.
    private static double Rounded(BigInteger value)
    {
        int drop = (int)value.GetBitLength() - 53;
        BigInteger kept = value >> drop;
        BigInteger rest = value - (kept << drop);
        BigInteger half = BigInteger.One << (drop - 1);
        if (rest > half || (rest == half && !kept.IsEven))
        {
            kept += 1;
        }

        return Math.ScaleB((double)(long)kept, drop);
    }

    private static double ToFloat(Rendering r, object? value)
    {
        double result = Numbers.ToDouble(value);
        if (value is BigInteger && double.IsInfinity(result))
        {
            throw r.Runtime("int too large to convert to float");
        }

        return result;
    }

    private static object FloatPower(Rendering r, double a, double b)
    {
        if (a == 0 && b < 0)
        {
            throw r.Runtime("0.0 cannot be raised to a negative power");
        }

        if (a < 0 && Math.Floor(b) != b && !double.IsInfinity(a) && !double.IsInfinity(b))
        {
            throw r.Runtime("a negative number to a fractional power is a complex number, which is not supported");
        }

        double result = Math.Pow(a, b);
        if (double.IsInfinity(result) && !double.IsInfinity(a) && !double.IsInfinity(b))
        {
            throw r.Runtime("the result of ** is too large for a float");
        }

        return result;
    }

    private static object Add(Rendering r, object? a, object? b)
    {
        if (Types.IsText(a) && Types.IsText(b))
        {
            bool markup = a is Markup || b is Markup;
            object left = markup ? Markup.Escaped(a!) : a!;
            object right = markup ? Markup.Escaped(b!) : b!;
            r.Budget.Characters((long)left.ToString()!.Length + right.ToString()!.Length);
            if (left is string plain && right is string other && !markup)
            {
                return plain + other;
            }

            object sum = new TextBuilder().AppendText(left).AppendText(right).ToText();
            return markup ? Markup.Of(sum) : sum;
        }

        if (a is TemplateSequence x && b is TemplateSequence y && a.GetType() == b.GetType())
        {
            r.Budget.Entries((long)x.Items.Length + y.Items.Length);
            object?[] items = [.. x.Items, .. y.Items];
            return a is TemplateList ? new TemplateList(items) : new TemplateTuple(items);
        }

        if (a is string or RichText or TemplateSequence)
        {
            throw r.Runtime($"can only concatenate {Types.Name(a)} (not \"{Types.Name(b)}\") to {Types.Name(a)}");
        }

        throw Mismatch(r, "+", a, b);
    }

    private static object Repeat(Rendering r, object? value, object? times)
    {
        long count = Math.Max(0, Integers.Clamp(times));
        switch (value)
        {
            case string or RichText:
                string text = value.ToString()!;
                r.Budget.Characters(text.Length == 0 ? 0 : count > int.MaxValue / text.Length ? long.MaxValue / 4 : count * text.Length);
                string repeated = text.Length == 0
                    ? ""
                    : new System.Text.StringBuilder((int)(text.Length * count)).Insert(0, text, (int)count).ToString();
                object all = ContentText.From(r, repeated, value);
                return value is Markup ? Markup.Of(all) : all;
            case TemplateSequence sequence:
                int length = sequence.Items.Length;
                r.Budget.Entries(length == 0 ? 0 : count > int.MaxValue / length ? long.MaxValue / 64 : count * length);
                object?[] items = new object?[length * (length == 0 ? 0 : count)];
                for (int i = 0; i < items.Length; i += length)
                {
                    sequence.Items.CopyTo(items, i);
                }

                return value is TemplateList ? new TemplateList(items) : new TemplateTuple(items);
            default:
                throw Mismatch(r, "*", value, times);
        }
    }

    private static ChatTemplateException Mismatch(Rendering r, string op, object? a, object? b) =>
        r.Runtime($"unsupported operand type(s) for {op}: '{Types.Name(a)}' and '{Types.Name(b)}'");
}
