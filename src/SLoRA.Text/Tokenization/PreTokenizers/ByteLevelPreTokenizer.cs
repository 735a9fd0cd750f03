using SLoRA.Text.Tokenization.Patterns;

namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>
/// ByteLevel: an optional space before each piece, GPT-2's word pattern unless switched off, and every byte as its printable stand-in.
/// As the last pre-tokenizer it leaves the stand-ins to the word encoder, which needs them only for words it has not seen.
/// </summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex, bool writeStandIns) : PreTokenizer
{
    private static readonly SplitPreTokenizer Words = new(new Gpt2WordPattern(), SplitBehavior.Isolated, invert: false);

    public override void Apply(ref PreTokenizedText text)
    {
        if (addPrefixSpace)
        {
            AddSpaces(ref text);
        }

        if (useRegex)
        {
            Words.Apply(ref text);
        }

        if (writeStandIns)
        {
            WriteStandIns(ref text);
        }
    }

    private static void AddSpaces(ref PreTokenizedText text)
    {
        CharBuffer output = text.NewText();
        foreach (Piece piece in text.Pieces)
        {
            ReadOnlySpan<char> chars = text.Text[piece.Start..piece.End];
            int start = output.Length;
            if (chars[0] != ' ')
            {
                output.Append(' ');
            }

            output.Append(chars);
            text.NextPieces.Add(start, output.Length);
        }

        text.Commit(output);
    }

    private static void WriteStandIns(ref PreTokenizedText text)
    {
        CharBuffer output = text.NewText();
        foreach (Piece piece in text.Pieces)
        {
            int start = output.Length;
            ByteAlphabet.Append(text.Text[piece.Start..piece.End], output);
            text.NextPieces.Add(start, output.Length);
        }

        text.Commit(output);
    }
}
