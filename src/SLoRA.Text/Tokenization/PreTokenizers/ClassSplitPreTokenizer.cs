using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>Cuts at every character of a class: the common form of WhitespaceSplit, Punctuation, Digits and CharDelimiterSplit.</summary>
internal sealed class ClassSplitPreTokenizer(Func<int, bool> isDelimiter, SplitBehavior behavior) : PreTokenizer
{
    public override void Apply(ref PreTokenizedText text)
    {
        foreach (Piece piece in text.Pieces)
        {
            var cutter = new PieceCutter(behavior, text.NextPieces);
            int gap = piece.Start;
            for (int at = piece.Start; at < piece.End;)
            {
                bool isMatch = isDelimiter(CharClass.CodePoint(text.Text, at, out int length));
                if (isMatch)
                {
                    if (gap < at)
                    {
                        cutter.Add(gap, at, isMatch: false);
                    }

                    cutter.Add(at, at + length, isMatch: true);
                    gap = at + length;
                }

                at += length;
            }

            if (gap < piece.End)
            {
                cutter.Add(gap, piece.End, isMatch: false);
            }

            cutter.Finish();
        }

        text.Commit();
    }
}
