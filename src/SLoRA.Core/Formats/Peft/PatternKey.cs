namespace SLoRA.Formats.Peft;

/// <summary>
/// A key of rank_pattern or alpha_pattern. PEFT matches <c>(.*\.)?(KEY)$</c> from the start of a module's name. Keys that are plain names,
/// of which a file may list one per module, are compared without the engine of regular expressions.
/// </summary>
internal sealed class PatternKey
{
    private readonly string _key;
    private readonly PythonRegex? _regex;

    public PatternKey(string key, string option, RegexBudget budget, string file)
    {
        _key = key;
        if (!key.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.'))
            _regex = PythonRegex.Match($@"(.*\.)?({key})$", budget, file, $"{option}.{key}");
    }

    public bool IsMatch(string module)
    {
        if (_regex is not null)
            return _regex.IsMatch(module);
        int start = module.Length - _key.Length;
        if (start < 0 || (start > 0 && module[start - 1] != '.'))
            return false;
        for (int at = 0; at < _key.Length; at++)
        {
            // A dot is not escaped by most who write these keys: it stands for any character.
            if (_key[at] != '.' && _key[at] != module[start + at])
                return false;
        }

        return true;
    }
}
