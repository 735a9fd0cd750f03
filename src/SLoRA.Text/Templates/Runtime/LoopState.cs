namespace SLoRA.Text.Templates;

/// <summary>
/// The <c>loop</c> variable: position, neighbours and helpers of a running loop. It looks ahead only when asked (<c>last</c>,
/// <c>nextitem</c>, <c>length</c>), so that a loop over a lazy sequence stays lazy.
/// </summary>
internal sealed class LoopState(IEnumerator<object?> items, int depth, Func<object?, int, object>? recurse) : Callable
{
    private readonly Queue<object?> _ahead = new();
    private object? _changed;
    private bool _hasChanged;
    private bool _hasPrevious;
    private bool _hasCurrent;
    private bool _ended;

    public long Index0 { get; private set; } = -1;

    public int Depth0 => depth;

    public object? Current { get; private set; }

    public object? Previous { get; private set; }

    public bool HasPrevious => _hasPrevious;

    public bool IsLast => !Peek(1);

    public object? NextItem => Peek(1) ? _ahead.Peek() : new Undefined("there is no next item");

    /// <summary>Reads the source to its end.</summary>
    public long Length
    {
        get
        {
            Peek(int.MaxValue);
            return Index0 + 1 + _ahead.Count;
        }
    }

    public bool Advance()
    {
        if (!Peek(1))
        {
            return false;
        }

        if (_hasCurrent)
        {
            Previous = Current;
            _hasPrevious = true;
        }

        Current = _ahead.Dequeue();
        _hasCurrent = true;
        Index0++;
        return true;
    }

    /// <summary>Whether the value differs from the one of the last call.</summary>
    public bool Changed(Rendering r, object? value)
    {
        if (_hasChanged && Equality.AreEqual(r, _changed, value))
        {
            return false;
        }

        _changed = value;
        _hasChanged = true;
        return true;
    }

    public override object? Invoke(Rendering r, Arguments arguments)
    {
        if (recurse is null)
        {
            throw r.Runtime("the loop must have the 'recursive' marker to be called recursively");
        }

        object?[] bound = Parameters.Bind(r, arguments);
        return r.Captured(recurse(bound[0], depth + 1));
    }

    private static readonly Parameters Parameters = new("loop", "iterable");

    private bool Peek(int count)
    {
        while (!_ended && _ahead.Count < count)
        {
            if (items.MoveNext())
            {
                _ahead.Enqueue(items.Current);
            }
            else
            {
                _ended = true;
            }
        }

        return _ahead.Count >= count;
    }
}
