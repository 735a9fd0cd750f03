using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using SLoRA.Extensions.AI.Replies.Json;

namespace SLoRA.Extensions.AI.Replies.Python;

/// <summary>Reads a Python list of calls whose arguments are keywords with literals.</summary>
internal sealed class PythonCalls
{
    /// <summary>How deep literals may nest.</summary>
    public const int MaxDepth = 60;

    private readonly string _text;
    private int _at;

    private PythonCalls(string text) => _text = text;

    private char Current => _at < _text.Length ? _text[_at] : '\0';

    /// <summary>The calls; null where the text is anything else, or holds a call that was not declared.</summary>
    /// <param name="text">From the opening bracket to the closing one.</param>
    /// <param name="declared">The names that are calls; null for any name.</param>
    public static List<ToolCall>? Read(string text, DeclaredTools? declared)
    {
        try
        {
            List<ToolCall> calls = new PythonCalls(text).List();
            return calls.Count == 0 || (declared is not null && calls.Exists(call => !declared.Has(call.Name))) ? null : calls;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>Whether a name may have the character.</summary>
    public static bool IsNamePart(char c) => c == '_' || char.IsLetterOrDigit(c) || char.IsSurrogate(c)
        || char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;

    private List<ToolCall> List()
    {
        var calls = new List<ToolCall>();
        Items('[', ']', () => calls.Add(Call()));
        return calls;
    }

    private ToolCall Call()
    {
        SkipSpace();
        int from = _at;
        Name();
        while (Current == '.')
        {
            _at++;
            Name();
        }

        string name = _text[from.._at];
        var arguments = new JsonObject();
        Items('(', ')', () =>
        {
            string key = Name();
            Expect('=');
            arguments[key] = Value();
        });
        return new ToolCall(Utf16.Repair(name), RelaxedJson.Write(writer => arguments.WriteTo(writer)));
    }

    private JsonNode? Value()
    {
        SkipSpace();
        return Current switch
        {
            '\'' or '"' => JsonValue.Create(Strings()),
            '[' => Array(),
            '(' => Tuple(),
            '{' => Dictionary(),
            '-' or '+' or '.' or (>= '0' and <= '9') => Number(),
            _ => Word(),
        };
    }

    private JsonArray Array()
    {
        var items = new JsonArray();
        Items('[', ']', () => items.Add(Value()));
        return items;
    }

    // Brackets around one value without a comma are but brackets.
    private JsonNode? Tuple()
    {
        var items = new JsonArray();
        bool hasComma = Items('(', ')', () => items.Add(Value()));
        if (items.Count != 1 || hasComma)
        {
            return items;
        }

        JsonNode? only = items[0];
        items.RemoveAt(0);
        return only;
    }

    private JsonObject Dictionary()
    {
        var members = new JsonObject();
        Items('{', '}', () =>
        {
            SkipSpace();
            string key = Strings();
            Expect(':');
            members[key] = Value();
        });
        return members;
    }

    private JsonNode? Word() => Name() switch
    {
        "True" or "true" => JsonValue.Create(true),
        "False" or "false" => JsonValue.Create(false),
        "None" or "null" => null,
        _ => throw new FormatException(),
    };

    private JsonNode? Number()
    {
        int from = _at;
        while (char.IsAsciiLetterOrDigit(Current) || Current == '.'
            || (Current is '+' or '-' && (_at == from || _text[_at - 1] is 'e' or 'E')))
        {
            _at++;
        }

        return PythonNumber.ToJson(_text.AsSpan(from, _at - from)) is { } json ? JsonNode.Parse(json) : throw new FormatException();
    }

    // Strings behind each other are one.
    private string Strings()
    {
        var text = new StringBuilder();
        do
        {
            PythonString.Read(_text, ref _at, text);
            SkipSpace();
        }
        while (Current is '\'' or '"');

        string joined = text.ToString();
        return joined == Utf16.Repair(joined) ? joined : throw new FormatException();
    }

    private string Name()
    {
        SkipSpace();
        int from = _at;
        while (_at < _text.Length && IsNamePart(Current))
        {
            _at++;
        }

        return _at > from && !char.IsAsciiDigit(_text[from]) ? _text[from.._at] : throw new FormatException();
    }

    // Items with commas between them, and perhaps one behind the last. Returns whether there was a comma.
    private bool Items(char open, char close, Action read)
    {
        Expect(open);
        SkipSpace();
        bool hasComma = false;
        while (Current != close)
        {
            read();
            SkipSpace();
            if (Current == close)
            {
                break;
            }

            Expect(',');
            hasComma = true;
            SkipSpace();
        }

        _at++;
        return hasComma;
    }

    private void Expect(char c)
    {
        SkipSpace();
        if (Current != c)
        {
            throw new FormatException();
        }

        _at++;
    }

    private void SkipSpace()
    {
        while (_at < _text.Length && char.IsWhiteSpace(Current))
        {
            _at++;
        }
    }
}
