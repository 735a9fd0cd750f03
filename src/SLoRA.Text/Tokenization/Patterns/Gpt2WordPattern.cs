namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>GPT-2's pattern: contractions, then letters, digits or signs with one space before them, then white space.</summary>
internal sealed class Gpt2WordPattern : WordPattern
{
    protected override int MatchEnd(ReadOnlySpan<char> text, int at)
    {
        byte flags = WordClass.At(text, at, out int length);
        if (text[at] == '\'')
        {
            int contraction = Contraction(text, at, ignoreCase: false);
            if (contraction > at)
            {
                return contraction;
            }
        }

        int word = at;
        if (text[at] == ' ' && at + 1 < text.Length)
        {
            word = at + 1;
            flags = WordClass.At(text, word, out length);
        }

        if ((flags & WordClass.Letter) != 0)
        {
            return RunOf(text, word + length, WordClass.Letter);
        }

        if ((flags & WordClass.Number) != 0)
        {
            return RunOf(text, word + length, WordClass.Number);
        }

        if ((flags & WordClass.Space) == 0)
        {
            return RunOfNot(text, word + length, WordClass.Space | WordClass.Letter | WordClass.Number);
        }

        return WhiteSpace(text, at, lines: false);
    }
}
