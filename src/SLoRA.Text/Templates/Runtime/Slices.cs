using System.Numerics;
using System.Text;

namespace SLoRA.Text.Templates;

/// <summary><c>value[start:stop:step]</c> of text, lists, tuples and ranges.</summary>
internal static class Slices
{
    public static object? Of(Rendering r, object? value, object? start, object? stop, object? step)
    {
        r.Defined(value);
        long stride = Bound(r, step) ?? 1;
        if (stride == 0)
        {
            throw r.Runtime("slice step cannot be zero");
        }

        switch (value)
        {
            case string or RichText:
                return Text(r, value, Bound(r, start), Bound(r, stop), stride);
            case TemplateSequence sequence:
                (long first, long count, _) = Clip(sequence.Items.Length, Bound(r, start), Bound(r, stop), stride);
                r.Budget.Entries(count);
                object?[] items = new object?[count];
                for (long i = 0; i < count; i++)
                {
                    items[i] = sequence.Items[first + i * stride];
                }

                return sequence is TemplateList ? new TemplateList(items) : new TemplateTuple(items);
            case TemplateRange range:
                (long from, _, long end) = Clip(range.Length, Bound(r, start), Bound(r, stop), stride);
                return new TemplateRange(range[from], range[end], range.Step * stride);
            default:
                throw r.Runtime($"'{Types.Name(value)}' object cannot be sliced");
        }
    }

    private static object Text(Rendering r, object value, long? start, long? stop, long step)
    {
        string text = value.ToString()!;
        r.Budget.Step(text.Length >> 5);
        int length = CodePoints.Count(text);
        (long first, long count, _) = Clip(length, start, stop, step);
        r.Budget.Characters(count);
        if (step == 1)
        {
            int from = CodePoints.UnitOf(text, first);
            return ContentText.Slice(value, from, length == text.Length ? from + (int)count : CodePoints.UnitOf(text, first + count));
        }

        var result = new StringBuilder((int)count);
        if (length == text.Length)
        {
            for (long i = 0; i < count; i++)
            {
                result.Append(text[(int)(first + i * step)]);
            }

            return Stepped(r, result.ToString(), value);
        }

        r.Budget.PerCharacter(text);
        string[] points = [.. CodePoints.Each(text)];
        for (long i = 0; i < count; i++)
        {
            result.Append(points[first + i * step]);
        }

        return Stepped(r, result.ToString(), value);
    }

    private static object Stepped(Rendering r, string text, object source)
    {
        object stepped = ContentText.From(r, text, source);
        return source is Markup ? Markup.Of(stepped) : stepped;
    }

    // The first index, the number of items and the end that a slice of so many has.
    private static (long First, long Count, long End) Clip(long length, long? start, long? stop, long step)
    {
        long low = step > 0 ? 0 : -1;
        long high = step > 0 ? length : length - 1;
        long first = start is null ? (step > 0 ? low : high) : Place(start.Value, length, low, high);
        long end = stop is null ? (step > 0 ? high : low) : Place(stop.Value, length, low, high);
        Int128 span = step > 0 ? (Int128)end - first : (Int128)first - end;
        Int128 stride = Int128.Abs(step);
        return (first, span <= 0 ? 0 : (long)((span + stride - 1) / stride), end);
    }

    private static long Place(long index, long length, long low, long high)
    {
        if (index < 0)
        {
            index = index < -length ? low : index + length;
        }

        return Math.Clamp(index, low, high);
    }

    private static long? Bound(Rendering r, object? value) => value switch
    {
        null => null,
        bool or long or BigInteger => Math.Max(Integers.Clamp(value), -long.MaxValue),
        Undefined undefined => throw r.Use(undefined),
        _ => throw r.Runtime("slice indices must be integers or none"),
    };
}
