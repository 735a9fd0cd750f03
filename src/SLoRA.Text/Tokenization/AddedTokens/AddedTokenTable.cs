using System.Buffers;
using System.Text;
using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.AddedTokens;

/// <summary>The added tokens of a tokenizer with the ids that count, and the search for them in a text.</summary>
internal sealed class AddedTokenTable
{
    private readonly Dictionary<string, int> _ids = [];
    private readonly Dictionary<int, Entry> _entries = [];
    private readonly TokenTrie _plain = new();
    private readonly TokenTrie _normalized = new();

    /// <param name="tokens">In the order of the file.</param>
    /// <param name="vocabulary">The model's vocabulary, whose ids go first.</param>
    /// <param name="normalize">The tokenizer's normalizer, applied to the content of tokens that are sought in normalized text.</param>
    /// <param name="warnings">Takes what the file contradicts itself in.</param>
    public AddedTokenTable(IReadOnlyList<AddedToken> tokens, Vocabulary vocabulary, Func<string, string> normalize, List<string> warnings)
    {
        int next = vocabulary.Count;
        var specials = new HashSet<string>();
        var stated = new HashSet<int>();
        foreach (AddedToken token in tokens)
        {
            if (token.Content.Length == 0)
            {
                warnings.Add($"The added token with id {token.StatedId} is empty and left out.");
                continue;
            }

            if (!_ids.TryGetValue(token.Content, out int id) && !vocabulary.TryGetId(token.Content, out id))
            {
                if (vocabulary.TryGetToken(next, out _)) warnings.Add($"The added token '{token.Content}' gets id {next}, which the vocabulary has given away.");
                id = next++;
            }

            if (id != token.StatedId) warnings.Add($"The added token '{token.Content}' states id {token.StatedId}; its id is {id}.");
            if (!stated.Add(token.StatedId)) warnings.Add($"Two added tokens state the id {token.StatedId}.");
            _ids[token.Content] = id;
            if (token.Special) specials.Add(token.Content);
            _entries[id] = new Entry(token, token.Normalized ? normalize(token.Content) : token.Content);
        }

        foreach ((int id, Entry entry) in _entries)
        {
            entry.IsSkipped = specials.Contains(entry.Text);
            if (entry.Text.Length == 0) warnings.Add($"The added token '{entry.Token.Content}' is empty once normalized, and never found.");
            else if (!(entry.Token.Normalized ? _normalized : _plain).Add(entry.Text, id)) warnings.Add($"The added token '{entry.Token.Content}' is found under another token's id.");
        }

        _plain.Seal();
        _normalized.Seal();
        ExtraCount = _ids.Keys.Count(content => !vocabulary.TryGetId(content, out _));
    }

    /// <summary>How many added tokens the vocabulary lacks.</summary>
    public int ExtraCount { get; }

    public bool HasPlain => !_plain.IsEmpty;

    public bool HasNormalized => !_normalized.IsEmpty;

    public bool TryGetId(string token, out int id) => _ids.TryGetValue(token, out id);

    /// <summary>The text an added token decodes to, and whether decoding may skip it as special.</summary>
    public bool TryGetText(int id, out ReadOnlySpan<byte> text, out bool isSpecial)
    {
        bool found = _entries.TryGetValue(id, out Entry? entry);
        text = found ? entry!.Utf8 : default;
        isSpecial = found && entry!.IsSkipped;
        return found;
    }

    public string? Content(int id) => _entries.TryGetValue(id, out Entry? entry) ? entry.Token.Content : null;

    /// <summary>Whether an id is a special token's.</summary>
    public bool IsSpecial(int id) => _entries.TryGetValue(id, out Entry? entry) && (entry.Token.Special || entry.IsSkipped);

    /// <summary>Whether a special token is sought in normalized text.</summary>
    public bool HasNormalizedSpecial => _entries.Values.Any(entry => entry.Token is { Normalized: true, Special: true });

    /// <summary>The search for tokens in a text, before normalization or after it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="normalized">Whether it has been normalized.</param>
    /// <param name="mask">Where special tokens may not stand.</param>
    public Search Find(ReadOnlySpan<char> text, bool normalized, ContentMask mask = default) => new(this, normalized ? _normalized : _plain, text, mask);

    /// <summary>Walks over the tokens in a text and the stretches between them, in order.</summary>
    internal ref struct Search(AddedTokenTable table, TokenTrie trie, ReadOnlySpan<char> text, ContentMask mask)
    {
        private readonly ReadOnlySpan<char> _text = text;
        private readonly ContentMask _mask = mask;
        private int _from;
        private int _covered;
        private int _heldStart;
        private int _heldEnd;
        private int _heldId = -1;

        /// <summary>The next stretch (id -1) or token.</summary>
        public bool Next(out int start, out int end, out int id)
        {
            if (_heldId < 0) Seek();
            if (_heldId < 0)
            {
                (start, end, id) = (_covered, _text.Length, -1);
                _covered = _text.Length;
                return start < end;
            }

            if (_covered < _heldStart)
            {
                (start, end, id) = (_covered, _heldStart, -1);
                _covered = _heldStart;
                return true;
            }

            (start, end, id) = (_heldStart, _heldEnd, _heldId);
            _covered = _heldEnd;
            _heldId = -1;
            return true;
        }

        private void Seek()
        {
            while (_from < _text.Length && trie.TryFind(_text, _from, _mask, out int start, out int end, out int id))
            {
                _from = end;
                AddedToken token = table._entries[id].Token;
                if (token.SingleWord && (WordBefore(start) || WordAfter(end))) continue;
                if (token.LeftStrip)
                {
                    while (start > _covered && char.IsWhiteSpace(_text[start - 1])) start--;
                }

                if (token.RightStrip)
                {
                    // A match inside white space that the one before has taken: it reaches as far.
                    end = Math.Max(end, _covered);
                    while (end < _text.Length && char.IsWhiteSpace(_text[end])) end++;
                }

                (_heldStart, _heldEnd, _heldId) = (start, end, id);
                return;
            }

            _from = _text.Length;
        }

        private readonly bool WordBefore(int at) =>
            at > 0 && Rune.DecodeLastFromUtf16(_text[..at], out Rune rune, out _) == OperationStatus.Done && IsWord(rune.Value);

        private readonly bool WordAfter(int at) =>
            at < _text.Length && Rune.DecodeFromUtf16(_text[at..], out Rune rune, out _) == OperationStatus.Done && IsWord(rune.Value);

        // The joiners count as word characters here, as in the expression engine that the reference uses at this place.
        private static bool IsWord(int codePoint) => CharClass.IsWord(codePoint) || codePoint is 0x200C or 0x200D;
    }

    private sealed class Entry(AddedToken token, string text)
    {
        public AddedToken Token { get; } = token;

        public string Text { get; } = text;

        public byte[] Utf8 { get; } = Encoding.UTF8.GetBytes(text);

        public bool IsSkipped { get; set; }
    }
}
