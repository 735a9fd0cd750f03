namespace SLoRA.Text.Templates;

/// <summary>
/// Cuts a template into tokens: plain text, and the tokens within <c>{{ }}</c> and <c>{% %}</c>. Whitespace control happens here, with
/// trim_blocks (a line end after a block tag goes) and lstrip_blocks (spaces between a line's start and a block tag go) always on.
/// </summary>
internal sealed partial class Lexer
{
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private readonly Stack<char> _open = new();
    private int _at;
    private int _line = 1;
    private bool _lineStarts = true;

    private Lexer(string template)
    {
        string source = template.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        _source = source.EndsWith('\n') ? source[..^1] : source;
    }

    public static List<Token> Tokenize(string template)
    {
        var lexer = new Lexer(template);
        lexer.Root();
        lexer.Add(TokenKind.End, "");
        return lexer._tokens;
    }

    private void Root()
    {
        while (_at < _source.Length)
        {
            int tag = NextTag(_at);
            if (tag < 0)
            {
                Add(TokenKind.Data, _source[_at..]);
                Advance(_source.Length);
                return;
            }

            int after = tag + 2;
            char sign = after < _source.Length && _source[after] is '-' or '+' ? _source[after] : ' ';
            char kind = _source[tag + 1];
            AddText(_at, tag, sign, kind != '{');
            int body = RawBegin(tag);
            if (body >= 0)
            {
                Advance(body);
                Raw();
                continue;
            }

            Advance(sign == ' ' ? after : after + 1);
            switch (kind)
            {
                case '#':
                    Comment();
                    break;
                case '{':
                    Add(TokenKind.VariableBegin, "{{");
                    Expression(TokenKind.VariableEnd);
                    break;
                default:
                    Add(TokenKind.BlockBegin, "{%");
                    Expression(TokenKind.BlockEnd);
                    break;
            }
        }
    }

    private int NextTag(int from)
    {
        while (true)
        {
            int brace = _source.IndexOf('{', from);
            if (brace < 0 || brace + 1 >= _source.Length)
            {
                return -1;
            }

            if (_source[brace + 1] is '{' or '%' or '#')
            {
                return brace;
            }

            from = brace + 1;
        }
    }

    // Text before a tag, less what the tag's sign or lstrip_blocks takes away at its end.
    private void AddText(int start, int end, char sign, bool block)
    {
        int keep = end;
        if (sign == '-')
        {
            while (keep > start && CharacterClasses.IsSpace(_source[keep - 1]))
            {
                keep--;
            }
        }
        else if (sign != '+' && block)
        {
            int lineStart = end;
            while (lineStart > start && _source[lineStart - 1] != '\n' && CharacterClasses.IsSpace(_source[lineStart - 1]))
            {
                lineStart--;
            }

            if (lineStart > start ? _source[lineStart - 1] == '\n' : _lineStarts)
            {
                keep = lineStart;
            }
        }

        if (keep > start)
        {
            Add(TokenKind.Data, _source[start..keep]);
        }

        Advance(end);
    }

    private void Comment()
    {
        if (_at >= _source.Length)
        {
            return; // as the reference: nothing follows, so nothing is missed
        }

        int end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
        {
            throw Error("a comment is not closed by '#}'");
        }

        bool strip = end > _at && _source[end - 1] == '-';
        bool keep = end > _at && _source[end - 1] == '+';
        CloseTag(end + 2, strip, !keep);
    }

    private void Raw()
    {
        if (_at >= _source.Length)
        {
            return;
        }

        for (int from = _at; ; from++)
        {
            int tag = _source.IndexOf("{%", from, StringComparison.Ordinal);
            if (tag < 0)
            {
                throw Error("a raw block is not closed by 'endraw'");
            }

            from = tag;
            int word = tag + 2;
            char sign = word < _source.Length && _source[word] is '-' or '+' ? _source[word] : ' ';
            word = SkipSpace(sign == ' ' ? word : word + 1);
            if (string.CompareOrdinal(_source, word, "endraw", 0, 6) != 0)
            {
                continue;
            }

            word = SkipSpace(word + 6);
            char close = word < _source.Length ? _source[word] : ' ';
            int end = close is '-' or '+' ? word + 1 : word;
            if (string.CompareOrdinal(_source, end, "%}", 0, 2) != 0)
            {
                continue;
            }

            AddText(_at, tag, sign, true);
            CloseTag(end + 2, close == '-', close != '+');
            return;
        }
    }

    // The position after "{% raw %}" if that is what starts here, else -1.
    private int RawBegin(int tag)
    {
        if (_source[tag + 1] != '%')
        {
            return -1;
        }

        int word = tag + 2;
        if (word < _source.Length && _source[word] is '-' or '+')
        {
            word++;
        }

        word = SkipSpace(word);
        if (string.CompareOrdinal(_source, word, "raw", 0, 3) != 0)
        {
            return -1;
        }

        word = SkipSpace(word + 3);
        bool strip = word < _source.Length && _source[word] == '-';
        int end = strip ? word + 1 : word;
        if (string.CompareOrdinal(_source, end, "%}", 0, 2) != 0)
        {
            return -1;
        }

        return strip ? SkipSpace(end + 2) : end + 2;
    }

    // Moves past a tag's end and what its sign or trim_blocks takes away after it.
    private void CloseTag(int end, bool strip, bool trimLine)
    {
        if (strip)
        {
            end = SkipSpace(end);
        }
        else if (trimLine && end < _source.Length && _source[end] == '\n')
        {
            end++;
        }

        Advance(end);
    }

    private int SkipSpace(int from)
    {
        while (from < _source.Length && CharacterClasses.IsSpace(_source[from]))
        {
            from++;
        }

        return from;
    }

    private void Advance(int to)
    {
        _line += _source.AsSpan(_at, to - _at).Count('\n');
        if (to > _at)
        {
            _lineStarts = _source[to - 1] == '\n';
        }

        _at = to;
    }

    private void Add(TokenKind kind, string text, object? value = null) => _tokens.Add(new Token(kind, text, value, _line));

    private ChatTemplateException Error(string message) => new("template.syntax", message, _line);
}
