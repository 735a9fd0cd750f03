using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>
/// A regular expression in Oniguruma's syntax and sense, over code points. Of our own because the platform's expressions see UTF-16
/// units: an astral letter is no letter to them, and a set can match half of a pair.
/// </summary>
internal sealed class ExpressionPattern(string source) : TextPattern
{
    [ThreadStatic]
    private static PatternMachine? _machine;

    private readonly PatternProgram _program = PatternProgram.Compile(source);

    public override bool TryFind(ReadOnlySpan<char> text, int from, ref long budget, out int start, out int end) =>
        TryFind(text, from, ref budget, out start, out end, out _);

    /// <summary>As the other, and says up to where (exclusive) more text at the end could not change that no match starts.</summary>
    public bool TryFind(ReadOnlySpan<char> text, int from, ref long budget, out int start, out int end, out int certain)
    {
        PatternMachine machine = _machine ??= new PatternMachine();
        try
        {
            return TryFind(machine, text, from, ref budget, out start, out end, out certain);
        }
        finally
        {
            machine.Trim();
        }
    }

    private bool TryFind(
        PatternMachine machine, ReadOnlySpan<char> text, int from, ref long budget, out int start, out int end, out int certain)
    {
        certain = -1;
        for (int at = from; at <= text.Length;)
        {
            int length = 1;
            bool possible = true;
            if (_program.First is not null)
            {
                possible = at < text.Length
                && _program.First.Contains(CharClass.CodePoint(text, at, out length));
            }
            else if (at < text.Length)
            {
                CharClass.CodePoint(text, at, out length);
            }

            if (possible)
            {
                bool found = machine.TryAt(_program, text, at, from, ref budget, out start, out end);
                if (machine.SawEnd && certain < 0)
                {
                    certain = at;
                }

                if (found)
                {
                    if (certain < 0)
                    {
                        certain = end;
                    }

                    return true;
                }
            }
            else if (--budget < 0)
            {
                throw TokenizerException.Limit("A regular expression of the tokenizer takes too long on this text.");
            }

            at += length;
        }

        start = end = -1;
        if (certain < 0)
        {
            certain = text.Length;
        }

        return false;
    }
}
