using System.Text;

namespace SLoRA.Extensions.AI.Replies.Reading;

/// <summary>
/// Gathers the parts of an answer: joins adjacent text, and leaves the whitespace at the margins of text and thoughts out that belongs to
/// the format.
/// </summary>
internal sealed class ReplyOutput(ToolCallFormat format)
{
    private readonly List<ReplyPart> _parts = [];
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private readonly StringBuilder _current = new();
    private readonly Margin _textMargin = new();
    private readonly Margin _thoughtMargin = new();
    private int _triedIds;
    private bool _currentIsThought;
    private bool _hasBlocks;

    /// <summary>Whether any text has been passed on.</summary>
    public bool HasText => !_textMargin.IsOpen;

    /// <summary>Whether any thought has been passed on.</summary>
    public bool HasReasoning => !_thoughtMargin.IsOpen;

    public void Text(ReadOnlySpan<char> text)
    {
        Switch(toThought: false);
        _textMargin.Append(text, _current, dropsStart: _hasBlocks);
    }

    public void Reasoning(ReadOnlySpan<char> text)
    {
        Switch(toThought: true);
        _thoughtMargin.Append(text, _current, dropsStart: true);
    }

    /// <summary>Says that a block of reasoning was found, even an empty one.</summary>
    public void BeginReasoning() => _hasBlocks = true;

    public void Call(ToolCall call)
    {
        Flush(isLast: true);
        _hasBlocks = true;
        string id = format.CallId(call, _ids.Count, ref _triedIds, _ids);
        _parts.Add(new ToolCallPart(_ids.Count, id, call.Name, call.Arguments));
        _ids.Add(id);
    }

    /// <summary>Begins a list of parts; the one before is no longer valid.</summary>
    public void Begin() => _parts.Clear();

    /// <summary>The parts since the list was begun.</summary>
    public IReadOnlyList<ReplyPart> End()
    {
        Flush(isLast: false);
        return _parts;
    }

    /// <summary>The parts since the list was begun, with what waited for more.</summary>
    public IReadOnlyList<ReplyPart> EndLast()
    {
        if (!_hasBlocks)
        {
            _textMargin.Release(_current);
        }

        Flush(isLast: true);
        return _parts;
    }

    private void Switch(bool toThought)
    {
        if (_currentIsThought != toThought)
        {
            Flush(isLast: true);
            _currentIsThought = toThought;
        }
    }

    private void Flush(bool isLast)
    {
        // Half of a pair waits for the other half.
        int length = _current.Length;
        if (!isLast && length > 0 && char.IsHighSurrogate(_current[length - 1]))
        {
            length--;
        }

        if (length > 0)
        {
            string text = _current.ToString(0, length);
            _parts.Add(_currentIsThought ? new ReasoningPart(text) : new TextPart(text));
            _current.Remove(0, length);
        }
    }
}
