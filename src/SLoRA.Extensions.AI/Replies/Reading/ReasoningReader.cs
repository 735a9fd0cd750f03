namespace SLoRA.Extensions.AI.Replies.Reading;

/// <summary>Takes the block of thoughts off the start of an answer and passes the rest on.</summary>
internal sealed class ReasoningReader
{
    // No answer begins with more whitespace before its thoughts.
    private const int LongestSpace = 4096;

    private readonly HeldText _held = new();
    private readonly ReasoningFormat _format;
    private readonly ReplyOutput _output;
    private readonly TextSink _rest;
    private Place _place;

    /// <param name="format">The block's markers.</param>
    /// <param name="isOpen">Whether the prompt opened it.</param>
    /// <param name="output">Where thoughts go.</param>
    /// <param name="rest">Where everything else goes.</param>
    public ReasoningReader(ReasoningFormat format, bool isOpen, ReplyOutput output, TextSink rest)
    {
        _format = format;
        _output = output;
        _rest = rest;
        _place = format == ReasoningFormat.None ? Place.Behind : isOpen ? Place.Opened : Place.Before;
    }

    /// <summary>Takes text that is valid during the call.</summary>
    public delegate void TextSink(ReadOnlySpan<char> text);

    private enum Place
    {
        // Whitespace so far, or the beginning of a marker.
        Before,

        // The same, but the prompt has opened the block; models may open it again.
        Opened,
        Inside,
        Behind,
    }

    public void Push(ReadOnlySpan<char> text)
    {
        if (_place == Place.Behind)
        {
            _rest(text);
            return;
        }

        _held.Append(text);
        Read();
    }

    public void Complete()
    {
        _held.IsComplete = true;
        Read();
    }

    private void Read()
    {
        if ((_place is Place.Before or Place.Opened) && !Open())
        {
            return;
        }

        if (_place == Place.Inside)
        {
            int at = _format.Ends.Find(_held.Span, out string marker);
            int thought = at >= 0 ? at : _held.Length - (_held.IsComplete ? 0 : _format.Ends.Open(_held.Span));
            _output.Reasoning(_held.Span[..thought]);
            _held.Drop(thought);
            if (at >= 0)
            {
                _held.Drop(marker.Length);
                _place = Place.Behind;
            }
        }

        if (_place == Place.Behind)
        {
            _rest(_held.Span);
            _held.Drop(_held.Length);
        }
    }

    // Whether it is known what the answer starts with.
    private bool Open()
    {
        ReadOnlySpan<char> text = _held.Span.TrimStart();
        bool isOpen = _place == Place.Opened;
        int space = _held.Length - text.Length;
        bool isNear = space <= LongestSpace;
        if (isNear && _format.Starts.Find(text, out string marker) == 0)
        {
            _held.Drop(space + marker.Length);
            isOpen = true;
        }
        else if (isNear && !_held.IsComplete && _format.Starts.Open(text) == text.Length)
        {
            return false;
        }

        if (isOpen)
        {
            _output.BeginReasoning();
        }

        _place = isOpen ? Place.Inside : Place.Behind;
        return true;
    }
}
