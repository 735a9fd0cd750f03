using SLoRA.Extensions.AI.Replies.Grammars;

namespace SLoRA.Extensions.AI.Replies.Reading;

/// <summary>
/// Reads answers that are text with blocks of calls in it, and perhaps thoughts at the start: text is searched for start markers, a grammar
/// reads the block behind one, and where it comes to nothing the marker is text and the search goes on behind it.
/// </summary>
internal sealed class MarkedReplyParser : ReplyParser
{
    private readonly CallSyntax _syntax;
    private readonly DeclaredTools _tools;
    private readonly MarkerSearch _markers;
    private readonly int _maxCallLength;
    private readonly HeldText _held = new();
    private readonly ReplyOutput _output;
    private readonly ReasoningReader _reasoning;
    private CallGrammar? _grammar;
    private int _markerLength;
    private bool _isAtStart;
    private bool _isComplete;

    public MarkedReplyParser(ReplyFormat format, ReplyParserOptions options)
    {
        _syntax = format.ToolCalls.Syntax;
        _tools = new DeclaredTools(options.Tools);
        _markers = _syntax.Markers;
        _maxCallLength = options.MaxCallLength;
        _output = new ReplyOutput(format.ToolCalls);
        _reasoning = new ReasoningReader(format.Reasoning, options.StartsInReasoning, _output, Answer);
        _isAtStart = _syntax.AtStart is not null && !_tools.IsEmpty;
    }

    internal override HeldText Held => _held;

    public override IReadOnlyList<ReplyPart> Push(ReadOnlySpan<char> text)
    {
        if (_isComplete)
        {
            throw new InvalidOperationException("The answer was completed; a new parser is needed for another one.");
        }

        _output.Begin();
        _reasoning.Push(text);
        return _output.End();
    }

    public override IReadOnlyList<ReplyPart> Complete()
    {
        _output.Begin();
        if (!_isComplete)
        {
            _isComplete = true;
            _reasoning.Complete();
            _held.IsComplete = true;
            Read();
        }

        return _output.EndLast();
    }

    private void Answer(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            // Never more than a call may have, so that its length does not depend on the pieces.
            int taken = Math.Min(text.Length, _maxCallLength + 1 - _held.Length);
            _held.Append(text[..taken]);
            text = text[taken..];
            Read();
        }
    }

    private void Read()
    {
        while (_grammar is not null || Begin())
        {
            Outcome outcome = _grammar!.Read(_held);
            foreach (ToolCall call in _grammar.TakeFound())
            {
                _output.Call(call);
                _markerLength = 0;
            }

            if (outcome == Outcome.More && !_held.IsComplete && _held.Length <= _maxCallLength)
            {
                return;
            }

            if (outcome == Outcome.Done)
            {
                _held.DropRead();
            }
            else
            {
                _grammar.Abandon(_held);
                _output.Text(_held.Span[.._markerLength]);
                _held.Drop(_markerLength);
                _held.Position = 0;
            }

            _grammar = null;
        }
    }

    // Passes text on up to the next block, and opens it.
    private bool Begin()
    {
        if (_isAtStart && !BeginAtStart())
        {
            return false;
        }

        if (_grammar is not null)
        {
            return true;
        }

        int at = _markers.Find(_held.Span, out string marker);
        int text = at >= 0 ? at : _held.Length - (_held.IsComplete ? 0 : _markers.Open(_held.Span));
        _output.Text(_held.Span[..text]);
        _held.Drop(text);
        if (at < 0)
        {
            return false;
        }

        _held.Position = _markerLength = marker.Length;
        _grammar = _syntax.Behind(marker, _tools);
        return true;
    }

    // In formats without a marker the first character decides whether the answer can be a call. False where there is none yet.
    private bool BeginAtStart()
    {
        int space = _held.Length - _held.Span.TrimStart().Length;
        _output.Text(_held.Span[..space]);
        _held.Drop(space);
        if (_held.Length == 0)
        {
            return false;
        }

        _isAtStart = false;
        _held.Position = _markerLength = 0;
        _grammar = _syntax.AtStart!(_held.Current, _tools);
        return true;
    }
}
