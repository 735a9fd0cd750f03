namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>
/// The pattern of Llama 3 (up to three digits) and Qwen (one): letters with any one sign before them, digits, signs with the line breaks
/// behind them, line breaks, white space. With <paramref name="marks"/> combining marks count as letters.
/// </summary>
internal sealed class LlamaWordPattern(int digits, bool marks) : WordPattern
{
    private readonly byte _letter = (byte)(WordClass.Letter | (marks ? WordClass.Mark : 0));

    protected override int MatchEnd(ReadOnlySpan<char> text, int at)
    {
        byte flags = WordClass.At(text, at, out int length);
        if ((flags & _letter & WordClass.Letter) != 0)
        {
            return RunOf(text, at + length, _letter);
        }

        if ((flags & WordClass.Number) != 0)
        {
            return Digits(text, at, digits);
        }

        if (text[at] == '\'')
        {
            int contraction = Contraction(text, at, ignoreCase: true);
            if (contraction > at)
            {
                return contraction;
            }
        }

        int next = at + length;
        byte nextFlags = next < text.Length ? WordClass.At(text, next, out length) : (byte)0;
        if ((flags & WordClass.NewLine) == 0 && (nextFlags & _letter) != 0)
        {
            return RunOf(text, next + length, _letter);
        }

        if ((flags & _letter) != 0)
        {
            return next;
        }

        const int NotSign = WordClass.Space | WordClass.Letter | WordClass.Number;
        int notSign = NotSign | _letter;
        bool spaced = text[at] == ' ' && next < text.Length && (nextFlags & notSign) == 0;
        if (spaced || (flags & WordClass.Space) == 0)
        {
            return RunOf(text, RunOfNot(text, next, notSign), WordClass.NewLine);
        }

        return WhiteSpace(text, at, lines: true);
    }
}
