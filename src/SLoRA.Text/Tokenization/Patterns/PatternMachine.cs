using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>
/// Runs a compiled expression by backtracking, on a stack of its own, counting every step against a budget: an expression that would
/// backtrack without end ends in an error.
/// </summary>
internal sealed class PatternMachine
{
    private const int Branch = 0;
    private const int GiveBack = 1;
    private const int Restore = 2;
    private const int FrameSize = 4;
    private const int KeptStack = 1 << 14;
    private const int MaxStack = 1 << 24;

    private PatternProgram _program = null!;
    private int[] _stack = new int[256];
    private int _stackLimit;
    private int _top;
    private int[] _registers = [];
    private int _searchStart;
    private long _budget;

    /// <summary>Whether a try looked at the end of the text, so that more text could have changed what it found.</summary>
    public bool SawEnd { get; private set; }

    /// <summary>Tries the expression at one place.</summary>
    public bool TryAt(PatternProgram program, ReadOnlySpan<char> text, int at, int searchStart, ref long budget, out int start, out int end)
    {
        _program = program;
        _searchStart = searchStart;
        // Every try clears the registers, and keeps for each character it passes what going back over it takes: a few frames.
        _budget = budget - (program.Registers >> 4);
        _stackLimit = (int)Math.Min(MaxStack, (1 << 18) + (64L * text.Length));
        _top = 0;
        SawEnd = false;
        if (_registers.Length < program.Registers)
        {
            _registers = new int[program.Registers];
        }

        _registers.AsSpan(0, program.Registers).Fill(-1);
        bool found = Run(0, text, at, mustEnd: -1, out end);
        start = _registers[0] >= 0 ? _registers[0] : at;
        budget = _budget;
        return found;
    }

    /// <summary>Lets go of what a long match needed: a machine stays with its thread.</summary>
    public void Trim()
    {
        if (_stack.Length > KeptStack)
        {
            _stack = new int[256];
        }

        if (_registers.Length > KeptStack)
        {
            _registers = [];
        }
    }

    private static int Before(ReadOnlySpan<char> text, int at) =>
        at >= 2 && char.IsLowSurrogate(text[at - 1]) && char.IsHighSurrogate(text[at - 2]) ? at - 2 : at - 1;

    private bool Run(int part, ReadOnlySpan<char> text, int at, int mustEnd, out int end)
    {
        PatternStep[] steps = _program.Parts[part];
        int floor = _top;
        int step = 0;
        while (true)
        {
            if (--_budget < 0)
            {
                throw TokenizerException.Limit("A regular expression of the tokenizer backtracks without end on this text.");
            }

            ref readonly PatternStep now = ref steps[step];
            bool fine;
            switch (now.Op)
            {
                case PatternOp.One:
                    fine = TryOne(text, ref at, now.Set!);
                    break;
                case PatternOp.Run:
                    int least = at;
                    fine = TryRun(text, ref at, now, ref least);
                    if (fine && at > least)
                    {
                        Push(GiveBack, step + 1, at, least);
                    }

                    break;
                case PatternOp.RunAtomic:
                    int ignored = at;
                    fine = TryRun(text, ref at, now, ref ignored);
                    break;
                case PatternOp.Split:
                    fine = true;
                    if (now.Set is null || CanStart(text, at, now.Set))
                    {
                        Push(Branch, now.B, at, 0);
                        step = now.A;
                    }
                    else
                    {
                        step = now.B;
                    }

                    continue;
                case PatternOp.Jump:
                    step = now.A;
                    continue;
                case PatternOp.Save:
                    Set(now.A, at);
                    fine = true;
                    break;
                case PatternOp.LeaveIfEmpty:
                    if (_registers[now.A] == at)
                    {
                        step = now.B;
                        continue;
                    }

                    fine = true;
                    break;
                case PatternOp.Again:
                    fine = TryAgain(text, ref at, now.A, now.B == 1);
                    break;
                case PatternOp.Place:
                    fine = IsPlace(text, at, (PatternPlace)now.A);
                    break;
                case PatternOp.Ahead:
                    fine = TryPart(now.A, text, at, -1, keep: now.B == 0, out _) == (now.B == 0);
                    break;
                case PatternOp.Behind:
                    fine = TryBehind(text, at, now) == (now.B == 0);
                    break;
                case PatternOp.Atomic:
                    fine = TryPart(now.A, text, at, -1, keep: true, out int after);
                    if (fine)
                    {
                        at = after;
                    }

                    break;
                default:
                    fine = mustEnd < 0 || at == mustEnd;
                    if (!fine)
                    {
                        break;
                    }

                    end = at;
                    return true;
            }

            if (fine)
            {
                step++;
                continue;
            }

            if (!Back(floor, text, ref step, ref at))
            {
                end = -1;
                return false;
            }
        }
    }

    private bool TryOne(ReadOnlySpan<char> text, ref int at, CharSet set)
    {
        if (at >= text.Length)
        {
            SawEnd = true;
            return false;
        }

        if (!set.Contains(CharClass.CodePoint(text, at, out int length)))
        {
            return false;
        }

        at += length;
        return true;
    }

    private bool CanStart(ReadOnlySpan<char> text, int at, CharSet set)
    {
        if (at < text.Length)
        {
            return set.Contains(CharClass.CodePoint(text, at, out _));
        }

        SawEnd = true;
        return false;
    }

    private bool TryRun(ReadOnlySpan<char> text, ref int at, in PatternStep run, ref int least)
    {
        int start = at;
        int count = 0;
        while (count != run.B)
        {
            if (at >= text.Length)
            {
                SawEnd = true;
                break;
            }

            if (!run.Set!.Contains(CharClass.CodePoint(text, at, out int length)))
            {
                break;
            }

            at += length;
            count++;
            if (count == run.A)
            {
                least = at;
            }
        }

        _budget -= (at - start) >> 2;
        return count >= run.A;
    }

    private bool TryAgain(ReadOnlySpan<char> text, ref int at, int register, bool ignoreCase)
    {
        int start = _registers[register];
        int stop = _registers[register + 1];
        if (start < 0 || stop < start)
        {
            return false;
        }

        int place = at;
        for (int i = start; i < stop;)
        {
            if (place >= text.Length)
            {
                SawEnd = true;
                return false;
            }

            int expected = CharClass.CodePoint(text, i, out int length);
            int found = CharClass.CodePoint(text, place, out int foundLength);
            if (expected != found && !(ignoreCase && CaseFolding.Fold(expected) == CaseFolding.Fold(found)))
            {
                return false;
            }

            i += length;
            place += foundLength;
            _budget--;
        }

        at = place;
        return true;
    }

    private bool TryBehind(ReadOnlySpan<char> text, int at, in PatternStep look)
    {
        int from = at;
        for (int length = 0; length <= look.Max; length++)
        {
            if (length >= look.Min && TryPart(look.A, text, from, at, keep: look.B == 0, out _))
            {
                return true;
            }

            if (from == 0)
            {
                return false;
            }

            from = Before(text, from);
        }

        return false;
    }

    // Runs a part and drops its alternatives. What it saved can still be undone by going back beyond it.
    private bool TryPart(int part, ReadOnlySpan<char> text, int at, int mustEnd, bool keep, out int end)
    {
        int floor = _top;
        bool found = Run(part, text, at, mustEnd, out end);
        int kept = floor;
        for (int frame = floor; frame < _top; frame += FrameSize)
        {
            if (_stack[frame] != Restore)
            {
                continue;
            }

            _stack.AsSpan(frame, FrameSize).CopyTo(_stack.AsSpan(kept));
            kept += FrameSize;
        }

        _top = kept;
        if (found && !keep)
        {
            UndoTo(floor);
        }

        return found;
    }

    private void UndoTo(int floor)
    {
        while (_top > floor)
        {
            _top -= FrameSize;
            _registers[_stack[_top + 1]] = _stack[_top + 2];
        }
    }

    private void Set(int register, int value)
    {
        Push(Restore, register, _registers[register], 0);
        _registers[register] = value;
    }

    private void Push(int kind, int a, int b, int c)
    {
        if (_top + FrameSize > _stack.Length)
        {
            if (_top + FrameSize > _stackLimit)
            {
                long bytes = (long)_stackLimit * sizeof(int);
                throw TokenizerException.Limit(
                    $"A regular expression of the tokenizer keeps more than {bytes} bytes of places to go back to on this text.");
            }

            Array.Resize(ref _stack, Math.Min(2 * _stack.Length, _stackLimit));
        }

        _stack[_top] = kind;
        _stack[_top + 1] = a;
        _stack[_top + 2] = b;
        _stack[_top + 3] = c;
        _top += FrameSize;
    }

    private bool Back(int floor, ReadOnlySpan<char> text, ref int step, ref int at)
    {
        while (_top > floor)
        {
            int frame = _top - FrameSize;
            switch (_stack[frame])
            {
                case Restore:
                    _registers[_stack[frame + 1]] = _stack[frame + 2];
                    _top = frame;
                    break;
                case Branch:
                    step = _stack[frame + 1];
                    at = _stack[frame + 2];
                    _top = frame;
                    return true;
                default:
                    step = _stack[frame + 1];
                    at = Before(text, _stack[frame + 2]);
                    _stack[frame + 2] = at;
                    if (at <= _stack[frame + 3])
                    {
                        _top = frame;
                    }

                    return true;
            }
        }

        return false;
    }

    private bool IsPlace(ReadOnlySpan<char> text, int at, PatternPlace place)
    {
        if (at >= text.Length)
        {
            SawEnd = true;
        }

        switch (place)
        {
            case PatternPlace.LineStart:
                return at == 0 || (text[at - 1] == '\n' && at < text.Length);
            case PatternPlace.LineEnd:
                return at == text.Length || text[at] == '\n';
            case PatternPlace.TextStart:
                return at == 0;
            case PatternPlace.TextEnd:
                return at == text.Length;
            case PatternPlace.LastLineEnd:
                if (at == text.Length - 1)
                {
                    SawEnd = true;
                }

                return at == text.Length || (at == text.Length - 1 && text[at] == '\n');
            case PatternPlace.SearchStart:
                return at == _searchStart;
            default:
                bool before = at > 0 && CharProperty.IsWordType(CharClass.CodePoint(text, Before(text, at), out _));
                bool after = at < text.Length && CharProperty.IsWordType(CharClass.CodePoint(text, at, out _));
                return (before != after) == (place == PatternPlace.WordBoundary);
        }
    }
}
