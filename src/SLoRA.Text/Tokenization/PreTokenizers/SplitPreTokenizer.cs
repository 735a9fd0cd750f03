using SLoRA.Text.Tokenization.Patterns;

namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>Split: cuts at the matches of a pattern, or around them when inverted.</summary>
internal sealed class SplitPreTokenizer(TextPattern pattern, SplitBehavior behavior, bool invert) : PreTokenizer
{
    public override void Apply(ref PreTokenizedText text)
    {
        foreach (Piece piece in text.Pieces)
        {
            var walk = new MatchWalk(pattern, text.Text[piece.Start..piece.End]);
            var cutter = new PieceCutter(behavior, text.NextPieces);
            while (walk.Next(out int start, out int end, out bool isMatch))
            {
                cutter.Add(piece.Start + start, piece.Start + end, isMatch != invert);
            }

            cutter.Finish();
        }

        text.Commit();
    }
}
