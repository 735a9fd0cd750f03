using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>Whitespace: runs of word characters, runs of other signs; white space is dropped.</summary>
internal sealed class WhitespacePreTokenizer : PreTokenizer
{
    private enum Kind
    {
        Space,
        Word,
        Sign,
    }

    public override void Apply(ref PreTokenizedText text)
    {
        foreach (Piece piece in text.Pieces)
        {
            int start = piece.Start;
            Kind run = Kind.Space;
            for (int at = piece.Start; at < piece.End;)
            {
                Kind kind = Of(CharClass.CodePoint(text.Text, at, out int length));
                if (kind != run)
                {
                    if (run != Kind.Space)
                    {
                        text.NextPieces.Add(start, at);
                    }

                    start = at;
                    run = kind;
                }

                at += length;
            }

            if (run != Kind.Space)
            {
                text.NextPieces.Add(start, piece.End);
            }
        }

        text.Commit();
    }

    // The joiners are word characters to the reference's engine here.
    private static Kind Of(int codePoint) =>
        CharClass.IsWord(codePoint) || codePoint is 0x200C or 0x200D ? Kind.Word : CharClass.IsWhiteSpace(codePoint)
            ? Kind.Space
            : Kind.Sign;
}
