using System.Globalization;
using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Normalizers;

/// <summary>
/// BertNormalizer: cleans controls and white space, sets Chinese characters apart, strips accents, lowercases; in this order.
/// </summary>
internal sealed class BertNormalizer(bool cleanText, bool handleChinese, bool stripAccents, bool lowercase) : Normalizer
{
    private const uint Other =
        (1u << (int)UnicodeCategory.Control) | (1u << (int)UnicodeCategory.Format) | (1u << (int)UnicodeCategory.PrivateUse);

    public override void Normalize(ReadOnlySpan<char> text, CharBuffer output)
    {
        Clean(text, output);
        if (stripAccents)
        {
            var decomposed = new CharBuffer { MaxLength = output.MaxLength };
            UnicodeNormalization.Instance.Decompose(output.Span, compatible: false, decomposed);
            output.Clear();
            ReadOnlySpan<char> span = decomposed.Span;
            for (int at = 0; at < span.Length;)
            {
                int point = CharClass.CodePoint(span, at, out int length);
                at += length;
                if (CharClass.Category(point) != UnicodeCategory.NonSpacingMark)
                {
                    output.AppendRune(point);
                }
            }
        }

        if (!lowercase)
        {
            return;
        }

        var lower = new CharBuffer { MaxLength = output.MaxLength };
        LowercaseNormalizer.Append(output.Span, lower);
        output.Clear();
        output.Append(lower.Span);
    }

    public override bool RemovesStart(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
        {
            return false;
        }

        int first = CharClass.CodePoint(text, 0, out _);
        return (cleanText && IsDropped(first)) || (stripAccents && CharClass.Category(first) == UnicodeCategory.NonSpacingMark);
    }

    private static bool IsDropped(int point) =>
        point is 0 or 0xFFFD || (point is not ('\t' or '\n' or '\r') && (CharClass.Bit(point) & Other) != 0);

    // The block Extension E starts later here than in Unicode: the reference's range does.
    private static bool IsChinese(int point) =>
        point is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF)
        or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF)
        or (>= 0x2F800 and <= 0x2FA1F);

    private void Clean(ReadOnlySpan<char> text, CharBuffer output)
    {
        for (int at = 0; at < text.Length;)
        {
            int point = CharClass.CodePoint(text, at, out int length);
            at += length;
            if (cleanText)
            {
                if (IsDropped(point))
                {
                    continue;
                }

                if (CharClass.IsWhiteSpace(point))
                {
                    point = ' ';
                }
            }

            bool chinese = handleChinese && IsChinese(point);
            if (chinese)
            {
                output.Append(' ');
            }

            output.AppendRune(point);
            if (chinese)
            {
                output.Append(' ');
            }
        }
    }
}
