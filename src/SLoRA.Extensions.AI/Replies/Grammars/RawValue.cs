using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>Reads a value that may hold any character, up to the first of its end markers.</summary>
/// <param name="ends">The markers that end it.</param>
internal sealed class RawValue(MarkerSearch ends)
{
    private int _from = -1;
    private int _searched;

    /// <summary>
    /// Reads on. Behind a match the position is that of the end marker; the value is in front of it. Whatever comes of a value depends on
    /// where it is alone, not on the block around it: so no value is looked through again at a place where a block that came to nothing has
    /// looked before.
    /// </summary>
    public Match Take(HeldText text, out int from)
    {
        if (_from < 0)
        {
            if (text.Origin + text.Position < text.DeadEnd)
            {
                from = 0;
                return Match.No;
            }

            _from = _searched = text.Position;
        }

        from = _from;
        ReadOnlySpan<char> unread = text.Span[_searched..];
        int at = ends.Find(unread, out _);
        if (at < 0)
        {
            _searched = text.Length - ends.Open(unread);
            text.Position = _searched;
            return text.Missing;
        }

        text.Position = _searched + at;
        return Match.Yes;
    }
}
