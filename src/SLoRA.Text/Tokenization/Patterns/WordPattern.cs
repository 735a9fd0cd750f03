namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>
/// The word patterns that most byte-level tokenizers share, written out as matchers. They match at every place of every text.
/// The general expression engine is their specification; tests compare the two.
/// </summary>
internal abstract class WordPattern : TextPattern
{
    private const string WhiteSpaceEnd = @"|\s+(?!\S)|\s+";
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

    /// <summary>The expressions that have a matcher here.</summary>
    public static IReadOnlyDictionary<string, WordPattern> Known { get; } = new Dictionary<string, WordPattern>
    {
        [@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+" + WhiteSpaceEnd] = new Gpt2WordPattern(),
        [@"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+" + WhiteSpaceEnd] = new Gpt2WordPattern(),
        [Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+" + WhiteSpaceEnd] =
            new LlamaWordPattern(3, marks: false),
        [Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+" + WhiteSpaceEnd] =
            new LlamaWordPattern(1, marks: false),
        [Contractions + @"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+" + WhiteSpaceEnd] =
            new LlamaWordPattern(1, marks: true),
        [CaseAware(Contractions + "?") + @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+" + WhiteSpaceEnd] =
            new CaseWordPattern(3, contractions: true),
        [CaseAware("") + @"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+" + WhiteSpaceEnd] = new CaseWordPattern(1, contractions: false),
    };

    public sealed override bool TryFind(ReadOnlySpan<char> text, int from, ref long budget, out int start, out int end)
    {
        start = from;
        end = from;
        if (from >= text.Length)
        {
            return false;
        }

        end = MatchEnd(text, from);
        return true;
    }

    /// <summary>The end of the word that starts at <paramref name="at"/>; always beyond it.</summary>
    protected abstract int MatchEnd(ReadOnlySpan<char> text, int at);

    /// <summary>The end of the run of characters that have any of the flags.</summary>
    protected static int RunOf(ReadOnlySpan<char> text, int at, int flags)
    {
        while (at < text.Length && (WordClass.At(text, at, out int length) & flags) != 0)
        {
            at += length;
        }

        return at;
    }

    /// <summary>The end of the run of characters that have none of the flags.</summary>
    protected static int RunOfNot(ReadOnlySpan<char> text, int at, int flags)
    {
        while (at < text.Length && (WordClass.At(text, at, out int length) & flags) == 0)
        {
            at += length;
        }

        return at;
    }

    protected static int Digits(ReadOnlySpan<char> text, int at, int most)
    {
        for (int i = 0; i < most && at < text.Length && (WordClass.At(text, at, out int length) & WordClass.Number) != 0; i++)
        {
            at += length;
        }

        return at;
    }

    /// <summary>
    /// White space: to the last line break of the run when <paramref name="lines"/>, else all but the last character before a word.
    /// </summary>
    protected static int WhiteSpace(ReadOnlySpan<char> text, int at, bool lines)
    {
        int end = at;
        int afterBreak = -1;
        while (end < text.Length)
        {
            byte flags = WordClass.At(text, end, out _);
            if ((flags & WordClass.Space) == 0)
            {
                break;
            }

            end++;
            if ((flags & WordClass.NewLine) != 0)
            {
                afterBreak = end;
            }
        }

        if (lines && afterBreak > 0)
        {
            return afterBreak;
        }

        return end == text.Length || end - at == 1 ? end : end - 1;
    }

    /// <summary>The end of an English contraction ('s, 't, 're, 've, 'm, 'll, 'd), or <paramref name="at"/> when there is none.</summary>
    protected static int Contraction(ReadOnlySpan<char> text, int at, bool ignoreCase)
    {
        if (at + 1 >= text.Length || text[at] != '\'')
        {
            return at;
        }

        char first = Fold(text[at + 1], ignoreCase);
        if (first is 's' or 't' or 'm' or 'd')
        {
            return at + 2;
        }

        if (at + 2 >= text.Length)
        {
            return at;
        }

        char second = Fold(text[at + 2], ignoreCase);
        return (first, second) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? at + 3 : at;
    }

    // U+017F, the long s, folds to s.
    private static char Fold(char value, bool ignoreCase) => !ignoreCase ? value : value switch
    {
        '\u017F' => 's',
        >= 'A' and <= 'Z' => (char)(value | 0x20),
        _ => value,
    };

    private static string CaseAware(string ending) =>
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + ending
        + @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + ending;
}
