namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>The clean-up of WordPiece and CTC decoders: takes back the spaces that pre-tokenization put before signs.</summary>
internal sealed class EnglishCleanup
{
    private static readonly (string Sought, string Content)[] Replacements =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"),
        (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];

    private CharBuffer _from = new();
    private CharBuffer _to = new();

    /// <summary>The cleaned text, valid until the next call.</summary>
    public ReadOnlySpan<char> Clean(ReadOnlySpan<char> text)
    {
        if (!text.Contains(' '))
        {
            return text;
        }

        _from.Clear();
        _from.Append(text);
        foreach ((string sought, string content) in Replacements)
        {
            if (!_from.Span.Contains(sought, StringComparison.Ordinal))
            {
                continue;
            }

            _to.Clear();
            TextReplacement.Append(_from.Span, sought, content, _to);
            (_from, _to) = (_to, _from);
        }

        return _from.Span;
    }
}
