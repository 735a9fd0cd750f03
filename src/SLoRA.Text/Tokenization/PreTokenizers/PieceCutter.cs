namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>Turns the matches and gaps of one piece, given in order, into pieces as a <see cref="SplitBehavior"/> says.</summary>
internal ref struct PieceCutter(SplitBehavior behavior, PieceList output)
{
    private int _start = -1;
    private int _end;
    private bool _heldIsMatch;
    private bool _previousIsMatch;

    public void Add(int start, int end, bool isMatch)
    {
        switch (behavior)
        {
            case SplitBehavior.Isolated:
                output.Add(start, end);
                break;
            case SplitBehavior.Removed:
                if (!isMatch)
                {
                    output.Add(start, end);
                }

                break;
            case SplitBehavior.Contiguous:
                if (_start >= 0 && _heldIsMatch == isMatch)
                {
                    _end = end;
                }
                else
                {
                    Hold(start, end, isMatch);
                }

                break;
            case SplitBehavior.MergedWithPrevious:
                if (isMatch && !_previousIsMatch && _start >= 0)
                {
                    _end = end;
                }
                else
                {
                    Hold(start, end, isMatch);
                }

                _previousIsMatch = isMatch;
                break;
            case SplitBehavior.MergedWithNext:
                if (!isMatch && _start >= 0)
                {
                    output.Add(_start, end);
                    _start = -1;
                }
                else if (isMatch)
                {
                    Hold(start, end, isMatch);
                }
                else
                {
                    output.Add(start, end);
                }

                break;
        }
    }

    public void Finish() => Hold(-1, -1, false);

    private void Hold(int start, int end, bool isMatch)
    {
        if (_start >= 0)
        {
            output.Add(_start, _end);
        }

        _start = start;
        _end = end;
        _heldIsMatch = isMatch;
    }
}
