namespace SLoRA.Formats;

/// <summary>
/// Compares weights by value, whatever formats they are stored in: an fp32 copy of a bf16 weight is equal to it.
/// </summary>
internal static class ElementComparison
{
    private const int PieceElements = 4096;

    /// <summary>The first element that differs, or -1.</summary>
    /// <param name="leftFormat">The format of <paramref name="left"/>.</param>
    /// <param name="left">Whole blocks.</param>
    /// <param name="rightFormat">The format of <paramref name="right"/>.</param>
    /// <param name="right">As many elements, whole blocks.</param>
    public static long FirstDifference(
        WeightFormat leftFormat, ReadOnlySpan<byte> left, WeightFormat rightFormat, ReadOnlySpan<byte> right)
    {
        int count = left.Length / leftFormat.BlockBytes * leftFormat.BlockElements;
        int others = right.Length / rightFormat.BlockBytes * rightFormat.BlockElements;
        ArgumentOutOfRangeException.ThrowIfNotEqual(others, count, nameof(right));
        // Equal bytes are equal values. The reverse does not hold: zero has two signs.
        if (leftFormat == rightFormat && left.SequenceEqual(right))
        {
            return -1;
        }

        int step = CommonMultiple(leftFormat.BlockElements, rightFormat.BlockElements);
        step *= Math.Max(1, PieceElements / step);
        Span<float> a = step <= PieceElements ? stackalloc float[PieceElements] : new float[step];
        Span<float> b = step <= PieceElements ? stackalloc float[PieceElements] : new float[step];
        for (int at = 0; at < count; at += step)
        {
            int length = Math.Min(step, count - at);
            Widen(leftFormat, left, at, a[..length]);
            Widen(rightFormat, right, at, b[..length]);
            int equal = a[..length].CommonPrefixLength(b[..length]);
            if (equal < length)
            {
                return at + equal;
            }
        }

        return -1;
    }

    private static void Widen(WeightFormat format, ReadOnlySpan<byte> blocks, int first, Span<float> values) =>
        format.Widen(blocks.Slice((int)format.BytesOf(first), (int)format.BytesOf(values.Length)), values);

    private static int CommonMultiple(int left, int right)
    {
        int multiple = left;
        while (multiple % right != 0)
        {
            multiple += left;
        }

        return multiple;
    }
}
