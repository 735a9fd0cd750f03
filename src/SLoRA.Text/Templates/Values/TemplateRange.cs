namespace SLoRA.Text.Templates;

/// <summary>Evenly spaced integers, never stored: <c>range(start, stop, step)</c>.</summary>
internal sealed class TemplateRange(long start, long stop, long step)
{
    /// <summary>The most items the sandbox lets a range have.</summary>
    public const long MaxLength = 100_000;

    public long Start { get; } = start;

    public long Stop { get; } = stop;

    public long Step { get; } = step;

    public long Length { get; } = Count(start, stop, step);

    public long this[long index] => Start + index * Step;

    public IEnumerable<object?> Items()
    {
        for (long i = 0; i < Length; i++)
        {
            yield return this[i];
        }
    }

    public bool Contains(long value)
    {
        Int128 offset = (Int128)value - Start;
        return Length > 0 && offset % Step == 0 && offset / Step >= 0 && offset / Step < Length;
    }

    private static long Count(long start, long stop, long step)
    {
        Int128 span = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        Int128 stride = Int128.Abs(step);
        Int128 count = span <= 0 ? 0 : (span + stride - 1) / stride;
        return count > long.MaxValue ? long.MaxValue : (long)count;
    }
}
