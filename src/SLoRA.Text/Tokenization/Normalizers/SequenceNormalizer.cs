namespace SLoRA.Text.Tokenization.Normalizers;

/// <summary>Sequence: one normalizer after another.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<Normalizer> normalizers) : Normalizer
{
    [ThreadStatic]
    private static CharBuffer? _spare;

    public override void Normalize(ReadOnlySpan<char> text, CharBuffer output)
    {
        // Nested sequences take the spare away while they use it, and make their own.
        CharBuffer other = _spare ?? new CharBuffer();
        _spare = null;
        other.MaxLength = output.MaxLength;
        CharBuffer from = output;
        CharBuffer to = other;
        output.Append(text);
        foreach (Normalizer normalizer in normalizers)
        {
            if (normalizer.LeavesAsIs(from.Span))
            {
                continue;
            }

            to.Clear();
            normalizer.Normalize(from.Span, to);
            (from, to) = (to, from);
        }

        if (from != output)
        {
            output.Clear();
            output.Append(from.Span);
        }

        other.Trim(1 << 16);
        _spare = other;
    }

    public override bool LeavesAsIs(ReadOnlySpan<char> text)
    {
        foreach (Normalizer normalizer in normalizers)
        {
            if (!normalizer.LeavesAsIs(text))
            {
                return false;
            }
        }

        return true;
    }

    public override bool RemovesStart(ReadOnlySpan<char> text)
    {
        int bound = CharBuffer.Bound(text.Length);
        foreach (Normalizer normalizer in normalizers)
        {
            if (normalizer.RemovesStart(text))
            {
                return true;
            }

            if (normalizer.LeavesAsIs(text))
            {
                continue;
            }

            var next = new CharBuffer { MaxLength = bound };
            normalizer.Normalize(text, next);
            text = next.Span;
        }

        return false;
    }
}
