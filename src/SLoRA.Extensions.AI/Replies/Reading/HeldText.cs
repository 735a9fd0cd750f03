namespace SLoRA.Extensions.AI.Replies.Reading;

/// <summary>
/// The characters of an answer that are not decided yet, with the place up to which a grammar has read them. Whoever reads asks for what
/// comes next and gets <see cref="Match.Undecided"/> where the next piece has to tell; the place moves only over what was found.
/// </summary>
internal sealed class HeldText
{
    private char[] _chars = new char[256];
    private int _start;
    private int _end;

    /// <summary>Whether nothing follows behind the characters held.</summary>
    public bool IsComplete { get; set; }

    /// <summary>How far the characters have been read.</summary>
    public int Position
    {
        get;
        set
        {
            Travelled += Math.Max(0, value - field);
            field = value;
        }
    }

    /// <summary>How many characters have been read, those that were read again counted again.</summary>
    public long Travelled { get; private set; }

    /// <summary>How many characters there is room for.</summary>
    public int Capacity => _chars.Length;

    /// <summary>Where in the whole answer the first held character stands.</summary>
    public long Origin { get; private set; }

    /// <summary>
    /// Where in the whole answer the values end that a block has looked through which then came to nothing. Another block that reached into
    /// them would come to nothing for the same reason; not to look again is what keeps the time linear.
    /// </summary>
    public long DeadEnd { get; set; }

    public int Length => _end - _start;

    public ReadOnlySpan<char> Span => _chars.AsSpan(_start, Length);

    /// <summary>What was not read.</summary>
    public ReadOnlySpan<char> Rest => Span[Position..];

    public bool AtEnd => Position == Length;

    public char Current => _chars[_start + Position];

    /// <summary>What <see cref="AtEnd"/> means to someone who needs another character.</summary>
    public Match Missing => IsComplete ? Match.No : Match.Undecided;

    public void Append(ReadOnlySpan<char> piece)
    {
        if (_end + piece.Length > _chars.Length)
        {
            // The characters move at most once in as many as there are, so dropping many small starts stays cheap.
            char[] target = Length + piece.Length > _chars.Length / 2 ? new char[2 * (Length + piece.Length)] : _chars;
            Span.CopyTo(target);
            (_chars, _start, _end) = (target, 0, Length);
        }

        piece.CopyTo(_chars.AsSpan(_end));
        _end += piece.Length;
    }

    /// <summary>Gives up the first characters.</summary>
    public void Drop(int count)
    {
        _start += count;
        Origin += count;
        Position = Math.Max(0, Position - count);
    }

    /// <summary>Gives up what was read.</summary>
    public void DropRead() => Drop(Position);

    public void SkipSpace()
    {
        while (!AtEnd && char.IsWhiteSpace(Current))
        {
            Position++;
        }
    }

    /// <summary>Whether the literal comes next.</summary>
    public Match Sees(string literal)
    {
        ReadOnlySpan<char> rest = Rest;
        if (rest.StartsWith(literal))
        {
            return Match.Yes;
        }

        return literal.AsSpan().StartsWith(rest) ? Missing : Match.No;
    }

    /// <summary>Reads the literal if it comes next.</summary>
    public Match Take(string literal)
    {
        Match match = Sees(literal);
        Position += match == Match.Yes ? literal.Length : 0;
        return match;
    }

    /// <summary>As <see cref="Take"/>, for a marker that may be cut off or left out at the end of the answer.</summary>
    public Match TakeClosing(string literal)
    {
        if (IsComplete && literal.AsSpan().StartsWith(Rest))
        {
            Position = Length;
            return Match.Yes;
        }

        return Take(literal);
    }
}
