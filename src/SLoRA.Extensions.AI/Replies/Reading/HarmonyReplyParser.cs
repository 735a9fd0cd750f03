using SLoRA.Extensions.AI.Replies.Json;

namespace SLoRA.Extensions.AI.Replies.Reading;

/// <summary>
/// Reads answers in messages on channels: analysis is reasoning, commentary and final are text, a message to a function is a call. The
/// prompt has begun the first message: the answer starts behind the role.
/// </summary>
internal sealed class HarmonyReplyParser : ReplyParser
{
    private const string Start = "<|start|>";
    private const string Channel = "<|channel|>";
    private const string Message = "<|message|>";

    // No header is longer; what begins like one and goes on is text.
    private const int LongestHeader = 1024;

    // What an answer in the format begins with, behind the role that the prompt has written.
    private static readonly string[] Beginnings = [Start, Channel, " to=", Message];

    private static readonly MarkerSearch Starts = new(Start, Channel);
    private static readonly MarkerSearch HeaderMarks = new(Start, Channel, Message, "<|end|>", "<|call|>", "<|return|>");
    private static readonly MarkerSearch BodyEnds = new("<|end|>", "<|call|>", "<|return|>", Start);

    private readonly HeldText _held = new();
    private readonly ReplyOutput _output = new(ToolCallFormat.Harmony);
    private readonly int _maxCallLength;
    private Place _place = Place.First;
    private HarmonyHeader _header;
    private bool _hasChannel;
    private bool _isNewBody;
    private bool _isComplete;

    public HarmonyReplyParser(ReplyParserOptions options) => _maxCallLength = options.MaxCallLength;

    private enum Place
    {
        // Where the prompt has left the model: a header that has begun, or text of a model that does not keep to the format.
        First,
        Header,
        Body,
        Call,
        Between,
    }

    internal override HeldText Held => _held;

    public override IReadOnlyList<ReplyPart> Push(ReadOnlySpan<char> text)
    {
        if (_isComplete)
        {
            throw new InvalidOperationException("The answer was completed; a new parser is needed for another one.");
        }

        _output.Begin();
        while (!text.IsEmpty)
        {
            int taken = Math.Min(text.Length, _maxCallLength + 1 - _held.Length);
            _held.Append(text[..taken]);
            text = text[taken..];
            Read();
        }

        return _output.End();
    }

    public override IReadOnlyList<ReplyPart> Complete()
    {
        _output.Begin();
        if (!_isComplete)
        {
            _isComplete = _held.IsComplete = true;
            Read();
            Write(_held.Span);
            _held.Drop(_held.Length);
        }

        return _output.EndLast();
    }

    private void Read()
    {
        while (_place switch
        {
            Place.First => First(),
            Place.Header => Header(),
            Place.Body => Body(),
            Place.Call => Call(),
            _ => Between(),
        })
        {
        }
    }

    // Each place returns whether to go on at another one; false waits for more.
    private bool First()
    {
        Match isHeader = Match.No;
        foreach (string start in Beginnings)
        {
            Match match = _held.Sees(start);
            isHeader = match == Match.No || isHeader == Match.Yes ? isHeader : match;
        }

        if (isHeader == Match.Undecided)
        {
            return false;
        }

        _place = isHeader == Match.Yes ? Place.Header : Place.Between;
        return true;
    }

    private bool Header()
    {
        ReadOnlySpan<char> header = _held.Span[..Math.Min(_held.Length, LongestHeader)];
        int at = HeaderMarks.Find(header[_held.Position..], out string marker);
        if (at < 0 && header.Length < LongestHeader)
        {
            _held.Position = header.Length - HeaderMarks.Open(header[_held.Position..]);
            return false;
        }

        at += _held.Position;
        bool belongs = marker == Start ? at == 0 : marker == Channel && !_hasChannel;
        if (belongs)
        {
            _hasChannel |= marker == Channel;
            _held.Position = at + marker.Length;
            return true;
        }

        if (marker == Message)
        {
            _header = HarmonyHeader.Read(header[..at]);
            _held.Drop(at + marker.Length);
            _held.Position = 0;
            _place = _header.Function is null ? Place.Body : Place.Call;
            _isNewBody = true;
            return true;
        }

        // No header. Its first character is text, and the search goes on behind it.
        Write(header[..1]);
        _held.Drop(1);
        _held.Position = 0;
        _place = Place.Between;
        return true;
    }

    private bool Body()
    {
        int at = BodyEnds.Find(_held.Span, out string marker);
        int text = at >= 0 ? at : _held.Length - (_held.IsComplete ? 0 : BodyEnds.Open(_held.Span));
        Write(_held.Span[..text]);
        _held.Drop(text);
        if (at < 0)
        {
            return false;
        }

        EndMessage(marker);
        return true;
    }

    private bool Call()
    {
        // What was looked through needs no second look, but for the beginning of a marker at its end.
        int at = BodyEnds.Find(_held.Rest, out string marker);
        if (at < 0 && !_held.IsComplete && _held.Length <= _maxCallLength)
        {
            _held.Position = _held.Length - BodyEnds.Open(_held.Rest);
            return false;
        }

        int end = at < 0 ? _held.Length : _held.Position + at;
        string body = _held.Span[..end].ToString();
        string? arguments = string.IsNullOrWhiteSpace(body) ? "{}" : JsonScanner.IsObject(body) ? CallObject.ReadArguments(body) : null;
        bool isWhole = at >= 0 || _held.IsComplete;
        if (arguments is not null && isWhole)
        {
            _output.Call(new ToolCall(_header.Function!, arguments));
        }
        else
        {
            _header = new HarmonyHeader("commentary", null);
            Write(body);
        }

        _held.Drop(end);
        _held.Position = 0;
        _place = Place.Body;
        return true;
    }

    private bool Between()
    {
        int at = Starts.Find(_held.Span, out _);
        int text = at >= 0 ? at : _held.Length - (_held.IsComplete ? 0 : Starts.Open(_held.Span));
        _header = new HarmonyHeader("final", null);
        Write(_held.Span[..text]);
        _held.Drop(text);
        _place = at < 0 ? Place.Between : Place.Header;
        _hasChannel = false;
        return at >= 0;
    }

    private void EndMessage(string marker)
    {
        if (marker != Start)
        {
            _held.Drop(marker.Length);
        }

        _place = Place.Between;
    }

    // Bodies are lines of their own.
    private void Write(ReadOnlySpan<char> text)
    {
        bool isReasoning = _header.IsReasoning;
        if (text.IsEmpty)
        {
            return;
        }

        string line = _isNewBody && (isReasoning ? _output.HasReasoning : _output.HasText) ? "\n" : "";
        _isNewBody = false;
        if (isReasoning)
        {
            _output.BeginReasoning();
            _output.Reasoning(line);
            _output.Reasoning(text);
        }
        else
        {
            _output.Text(line);
            _output.Text(text);
        }
    }
}
