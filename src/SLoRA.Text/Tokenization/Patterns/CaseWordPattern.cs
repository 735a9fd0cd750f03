namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>
/// The case-aware pattern of o200k (three digits, contractions) and Mistral Nemo (one digit): a word is upper-case letters followed by
/// lower-case ones, so that CamelCase falls into its parts; letters without case and marks count as both.
/// </summary>
internal sealed class CaseWordPattern(int digits, bool contractions) : WordPattern
{
    protected override int MatchEnd(ReadOnlySpan<char> text, int at)
    {
        byte flags = WordClass.At(text, at, out int length);
        int next = at + length;
        bool prefix = (flags & (WordClass.NewLine | WordClass.Letter | WordClass.Number)) == 0 && next < text.Length;
        int end = -1;
        if (prefix)
        {
            end = UpperThenLower(text, next);
        }

        if (end < 0)
        {
            end = UpperThenLower(text, at);
        }

        if (end < 0 && prefix)
        {
            end = UpperOnly(text, next);
        }

        if (end < 0)
        {
            end = UpperOnly(text, at);
        }

        if (end > 0)
        {
            return contractions ? Contraction(text, end, ignoreCase: true) : end;
        }

        if ((flags & WordClass.Number) != 0)
        {
            return Digits(text, at, digits);
        }

        const int NotSign = WordClass.Space | WordClass.Letter | WordClass.Number;
        bool spaced = text[at] == ' ' && next < text.Length && (WordClass.At(text, next, out _) & NotSign) == 0;
        if (spaced || (flags & WordClass.Space) == 0)
        {
            end = RunOfNot(text, next, NotSign);
            while (end < text.Length && text[end] is '\r' or '\n' or '/')
            {
                end++;
            }

            return end;
        }

        return WhiteSpace(text, at, lines: true);
    }

    // [upper]*[lower]+ : the upper run is greedy and gives back its last character that is also lower when nothing lower follows.
    private static int UpperThenLower(ReadOnlySpan<char> text, int at)
    {
        int end = at;
        int lastBoth = -1;
        while (end < text.Length)
        {
            byte flags = WordClass.At(text, end, out int length);
            if ((flags & WordClass.Upper) == 0)
            {
                break;
            }

            end += length;
            if ((flags & WordClass.Lower) != 0)
            {
                lastBoth = end;
            }
        }

        int lower = RunOf(text, end, WordClass.Lower);
        return lower > end ? lower : lastBoth;
    }

    // [upper]+[lower]*
    private static int UpperOnly(ReadOnlySpan<char> text, int at)
    {
        int end = RunOf(text, at, WordClass.Upper);
        return end == at ? -1 : RunOf(text, end, WordClass.Lower);
    }
}
