using System.Text;

namespace SLoRA.Formats.Peft;

/// <summary>
/// A key of rank_pattern or alpha_pattern. PEFT matches <c>(.*\.)?(KEY)$</c> from the start of a module's name. Keys that are plain names,
/// of which a file may list one per module, are compared without the engine of regular expressions, also with the anchors and the escaped
/// dots that careful people write.
/// </summary>
internal sealed class PatternKey
{
    // Stands for any character: a dot that is not escaped.
    private const char Any = '\uFFFF';

    private readonly string _plain = "";
    private readonly bool _isWhole;
    private readonly PythonRegex? _regex;

    public PatternKey(string key, string option, RegexBudget budget, string file)
    {
        _isWhole = key.StartsWith('^');
        if (Plain(key.AsSpan(_isWhole ? 1 : 0)) is { } plain)
        {
            _plain = plain;
        }
        else
        {
            _regex = PythonRegex.Match($@"(.*\.)?({key})$", budget, file, $"{option}.{key}");
        }
    }

    public bool IsMatch(string module)
    {
        if (_regex is not null)
        {
            return _regex.IsMatch(module);
        }

        int start = module.Length - _plain.Length;
        if (start < 0 || (start > 0 && (_isWhole || module[start - 1] != '.')))
        {
            return false;
        }

        for (int at = 0; at < _plain.Length; at++)
        {
            if (_plain[at] != Any && _plain[at] != module[start + at])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The characters of a key that is a plain name; null if it is an expression.</summary>
    private static string? Plain(ReadOnlySpan<char> key)
    {
        var plain = new StringBuilder(key.Length);
        for (int at = 0; at < key.Length; at++)
        {
            bool isEscapedDot = key[at] == '\\' && at + 1 < key.Length && key[at + 1] == '.';
            if (isEscapedDot || char.IsAsciiLetterOrDigit(key[at]) || key[at] is '_' or '.')
            {
                plain.Append(isEscapedDot ? '.' : key[at] == '.' ? Any : key[at]);
            }
            else if (key[at] != '$' || at + 1 < key.Length)
            {
                return null;
            }

            at += isEscapedDot ? 1 : 0;
        }

        return plain.ToString();
    }
}
