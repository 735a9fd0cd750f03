using SLoRA.Text.Tokenization.Normalizers;

namespace SLoRA.Text.Tokenization;

/// <summary>
/// Where content stands once a text has been normalized. Normalizers do not say which character becomes which; but what they make of a
/// character depends on its neighbours alone, so lengths tell: a border moves by what the text up to it is longer or shorter once
/// normalized, measured from a little before the border that precedes it and with a letter on both sides.
/// </summary>
internal static class NormalizedContent
{
    private const int Neighbours = 32;

    /// <summary>Moves the borders of content; all is content where the lengths do not add up.</summary>
    public static void Map(
        Normalizer normalizer, ReadOnlySpan<char> text, int normalLength, ReadOnlySpan<ContentRange> content, List<ContentRange> mapped)
    {
        mapped.Clear();
        var measure = new Measure(normalizer);
        int place = 0, normalPlace = 0;
        foreach (ContentRange range in content)
        {
            int start = normalPlace += measure.Between(text, place, range.Start);
            int end = normalPlace += measure.Between(text, range.Start, range.End);
            place = range.End;
            if (start < end)
            {
                mapped.Add(new ContentRange(start, end));
            }
        }

        if (normalPlace + measure.Rest(text, place) == normalLength)
        {
            return;
        }

        mapped.Clear();
        mapped.Add(new ContentRange(0, normalLength));
    }

    private sealed class Measure(Normalizer normalizer)
    {
        private readonly CharBuffer _text = new();
        private readonly CharBuffer _normal = new();

        public int Between(ReadOnlySpan<char> text, int from, int to)
        {
            if (from == to)
            {
                return 0;
            }

            int before = Before(text, from);
            return from == 0
                ? Length(text[..to], atStart: true, letterBehind: true) - Letter()
                : Length(text[before..to], before == 0, letterBehind: true) - Length(text[before..from], before == 0, letterBehind: true);
        }

        public int Rest(ReadOnlySpan<char> text, int from)
        {
            int before = Before(text, from);
            return from == 0
                ? Length(text, atStart: true, letterBehind: false)
                : Length(text[before..], before == 0, letterBehind: false) - Length(text[before..from], before == 0, letterBehind: true)
                    + Letter();
        }

        private static int Before(ReadOnlySpan<char> text, int from)
        {
            int before = Math.Max(0, from - Neighbours);
            return before > 0 && char.IsLowSurrogate(text[before]) ? before - 1 : before;
        }

        private int Letter() => Length("xx", atStart: true, letterBehind: false) - Length("x", atStart: true, letterBehind: false);

        private int Length(ReadOnlySpan<char> part, bool atStart, bool letterBehind)
        {
            _text.Clear();
            if (!atStart)
            {
                _text.Append('x');
            }

            _text.Append(part);
            if (letterBehind)
            {
                _text.Append('x');
            }

            if (normalizer.LeavesAsIs(_text.Span))
            {
                return _text.Length;
            }

            _normal.Clear();
            normalizer.Normalize(_text.Span, _normal);
            return _normal.Length;
        }
    }
}
