using System.Globalization;

namespace SLoRA.Formats.Peft;

/// <content>Everything that begins with a parenthesis.</content>
internal sealed partial class PythonRegexTranslator
{
    /// <summary>Translates a group; whether it can be repeated. The opening parenthesis has been read.</summary>
    private bool Group()
    {
        if (!Take('?'))
        {
            Capture();
            return true;
        }

        char c = Next();
        switch (c)
        {
            case ':':
                Body("(?:");
                return true;
            case '>':
                NeedsBacktracking = true;
                Body("(?>");
                return true;
            case '=' or '!':
                NeedsBacktracking = true;
                Body("(?" + c);
                return true;
            case '<':
                char direction = Next();
                if (direction is not ('=' or '!'))
                {
                    throw Error($"unknown extension ?<{direction}");
                }

                NeedsBacktracking = true;
                Body("(?<" + direction);
                return true;
            case 'P':
                Named();
                return true;
            case '(':
                Conditional();
                return true;
            default:
                _at--;
                return Flags();
        }
    }

    /// <summary>Skips <c>(?#…)</c>: a loop after it repeats what stands before it.</summary>
    private bool SkipComment()
    {
        if (!_text.AsSpan(_at).StartsWith("(?#"))
        {
            return false;
        }

        int end = _text.IndexOf(')', _at);
        _at = end >= 0 ? end + 1 : throw Error("missing ), unterminated comment");
        return true;
    }

    private void Capture()
    {
        int number = ++_groups;
        Body("(");
        _closed.Add(number);
    }

    private void Body(string opening, int mostBranches = int.MaxValue)
    {
        _result.Append(opening);
        Alternatives(mostBranches);
        if (!Take(')'))
        {
            throw Error("missing ), unterminated subpattern");
        }

        _result.Append(')');
    }

    /// <summary><c>(?P&lt;name&gt;…)</c> or <c>(?P=name)</c>.</summary>
    private void Named()
    {
        char c = Next();
        if (c == '=')
        {
            BackReference(GroupNumber(NameUntil(')')));
            return;
        }

        if (c != '<')
        {
            throw Error($"unknown extension ?P{c}");
        }

        string name = NameUntil('>');
        if (!IsIdentifier(name))
        {
            throw Error($"bad character in group name '{name}'");
        }

        if (!_names.TryAdd(name, _groups + 1))
        {
            throw Error($"redefinition of group name '{name}'");
        }

        Capture();
    }

    private void BackReference(int number)
    {
        if (!_closed.Contains(number))
        {
            throw Error($"reference to the group {number}, which is not complete here");
        }

        NeedsBacktracking = true;
        _result.Append(CultureInfo.InvariantCulture, $"\\k<{number}>");
    }

    private void Conditional()
    {
        int number = GroupNumber(NameUntil(')'));
        NeedsBacktracking = true;
        // The group may stand further on; .NET refuses the number if it does not.
        Body(string.Create(CultureInfo.InvariantCulture, $"(?({number})"), mostBranches: 2);
    }

    private int GroupNumber(string name)
    {
        if (_names.TryGetValue(name, out int number))
        {
            return number;
        }

        return int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0
            ? number
            : throw Error($"unknown group name '{name}'");
    }

    /// <summary><c>(?i)</c> at the very start, or <c>(?i-s:…)</c> around a part; whether it can be repeated.</summary>
    private bool Flags()
    {
        bool global = _at == 2;
        string on = "", off = "";
        bool negative = false;
        for (char c = Next(); ; c = Next())
        {
            switch (c)
            {
                case 'i' or 'm' or 's':
                    if (negative)
                    {
                        off += c;
                    }
                    else
                    {
                        on += c;
                    }

                    break;
                case 'a' or 'u' when !negative:
                    // Only the reach of \w, \d and \s beyond ASCII, which module names do not leave.
                    break;
                case 'x':
                    throw Error("the verbose flag x is not supported");
                case '-' when !negative:
                    negative = true;
                    break;
                case ':':
                    Body(off == "" ? $"(?{on}:" : $"(?{on}-{off}:");
                    return true;
                case ')' when !negative:
                    if (!global)
                    {
                        throw Error("global flags not at the start of the expression");
                    }

                    _result.Append(on == "" ? "" : $"(?{on})");
                    return false;
                default:
                    throw Error($"unknown extension ?{c}");
            }
        }
    }

    private string NameUntil(char end)
    {
        int stop = _text.IndexOf(end, _at);
        if (stop < 0)
        {
            throw Error("unterminated name");
        }

        string name = _text[_at..stop];
        _at = stop + 1;
        return name;
    }

    private static bool IsIdentifier(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private char Next() => _at < _text.Length ? _text[_at++] : throw Error("unexpected end of pattern");
}
