namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>FixedLength: pieces of so many characters.</summary>
internal sealed class FixedLengthPreTokenizer(int length) : PreTokenizer
{
    public override void Apply(ref PreTokenizedText text)
    {
        foreach (Piece piece in text.Pieces)
        {
            int start = piece.Start;
            int count = 0;
            for (int at = piece.Start; at < piece.End;)
            {
                at += char.IsHighSurrogate(text.Text[at]) ? 2 : 1;
                if (++count < length)
                {
                    continue;
                }

                text.NextPieces.Add(start, at);
                start = at;
                count = 0;
            }

            text.NextPieces.Add(start, piece.End);
        }

        text.Commit();
    }
}
