namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>
/// Metaspace: spaces become a visible character, one is put before a text that does not start with it, and pieces start at it.
/// </summary>
internal sealed class MetaspacePreTokenizer(string replacement, PrependScheme prepend, bool split) : PreTokenizer
{
    public override bool DependsOnOrigin => prepend == PrependScheme.First;

    public override void Apply(ref PreTokenizedText text)
    {
        CharBuffer output = text.NewText();
        foreach (Piece piece in text.Pieces)
        {
            ReadOnlySpan<char> chars = text.Text[piece.Start..piece.End];
            int start = output.Length;
            bool prepends = prepend == PrependScheme.Always || (prepend == PrependScheme.First && piece.Start == 0 && text.AtOrigin);
            if (prepends && chars[0] != ' ' && !chars.StartsWith(replacement))
            {
                output.Append(replacement);
            }

            for (int space = chars.IndexOf(' '); space >= 0; space = chars.IndexOf(' '))
            {
                output.Append(chars[..space]);
                output.Append(replacement);
                chars = chars[(space + 1)..];
            }

            output.Append(chars);
            if (split)
            {
                AddWords(output.Span, start, text.NextPieces);
            }
            else
            {
                text.NextPieces.Add(start, output.Length);
            }
        }

        text.Commit(output);
    }

    // A word starts at each replacement character, also at each of several in a row.
    private void AddWords(ReadOnlySpan<char> text, int start, PieceList pieces)
    {
        var cutter = new PieceCutter(SplitBehavior.MergedWithNext, pieces);
        while (start < text.Length)
        {
            int at = text[start..].IndexOf(replacement);
            int end = at < 0 ? text.Length : start + at;
            if (start < end)
            {
                cutter.Add(start, end, isMatch: false);
            }

            if (at >= 0)
            {
                cutter.Add(end, end + replacement.Length, isMatch: true);
            }

            start = at < 0 ? text.Length : end + replacement.Length;
        }

        cutter.Finish();
    }
}
