using System.Buffers;
using System.Text;
using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.AddedTokens;

/// <summary>The added tokens of a tokenizer with the ids that count, and the search for them in a text.</summary>
internal sealed class AddedTokenTable
{
    /// <summary>Warnings of one kind that are written out; the others are counted.</summary>
    private const int MaxListed = 8;

    private readonly Dictionary<string, int> _ids = [];
    private readonly Dictionary<int, Entry> _entries = [];
    private readonly HashSet<string> _specials = [];
    private readonly Vocabulary _vocabulary;
    private readonly List<string> _warnings;
    private readonly TokenTrie _plain = new();
    private readonly TokenTrie _normalized = new();
    private int _next;
    private int _changed;

    /// <param name="tokens">Those of tokenizer.json, in its order.</param>
    /// <param name="configured">Those that the files beside it add, or give other flags to, in the order in which new ones get their
    /// ids.</param>
    /// <param name="vocabulary">The model's vocabulary, whose ids go first.</param>
    /// <param name="normalize">The tokenizer's normalizer, applied to the content of tokens that are sought in normalized text.</param>
    /// <param name="warnings">Takes what the files contradict each other in.</param>
    public AddedTokenTable(
        IReadOnlyList<AddedToken> tokens, IReadOnlyList<AddedToken> configured, Vocabulary vocabulary, Func<string, string> normalize,
        List<string> warnings)
    {
        _vocabulary = vocabulary;
        _warnings = warnings;
        _next = vocabulary.Count;
        var stated = new HashSet<int>();
        foreach (AddedToken token in tokens)
        {
            Add(token, normalize);
            if (token.StatedId is int id && !stated.Add(id))
            {
                warnings.Add($"Two added tokens state the id {id}.");
            }
        }

        // New ids go on behind the largest in use, as where tokens are added to a loaded tokenizer.
        _next = Math.Max(vocabulary.Count, _entries.Keys.DefaultIfEmpty(-1).Max() + 1);
        foreach (AddedToken token in configured)
        {
            Configure(token, normalize);
        }

        if (_changed > MaxListed)
        {
            warnings.Add($"{_changed - MaxListed} more added tokens have other flags in tokenizer_config.json.");
        }

        foreach ((int id, Entry entry) in _entries)
        {
            entry.IsSkipped = _specials.Contains(entry.Text);
            string shown = Excerpt.Of(entry.Token.Content);
            if (entry.Text.Length == 0)
            {
                warnings.Add($"The added token {shown} is empty once normalized, and never found.");
            }
            else if (!(entry.Token.Normalized ? _normalized : _plain)
                .Add(entry.Text, id))
            {
                warnings.Add($"The added token {shown} is found under another token's id.");
            }
        }

        _plain.Seal();
        _normalized.Seal();
        ExtraCount = _ids.Keys.Count(content => !vocabulary.TryGetId(content, out _));
    }

    /// <summary>How many added tokens the vocabulary lacks.</summary>
    public int ExtraCount { get; }

    /// <summary>The largest id of one; −1 if there is none.</summary>
    public int MaxId => _entries.Keys.DefaultIfEmpty(-1).Max();

    /// <summary>All of them by id, each as special as it has become.</summary>
    public IEnumerable<(int Id, AddedToken Token)> All => _entries.OrderBy(pair => pair.Key)
        .Select(pair => (pair.Key, pair.Value.Token with { Special = pair.Value.Token.Special || pair.Value.IsSkipped }));

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
    public Search Find(ReadOnlySpan<char> text, bool normalized, ContentMask mask = default) =>
        new(this, normalized ? _normalized : _plain, text, mask);

    private void Configure(AddedToken token, Func<string, string> normalize)
    {
        if (token.Content.Length == 0)
        {
            return;
        }

        AddedToken? before = _ids.TryGetValue(token.Content, out int id) ? _entries[id].Token : null;
        if (before is null && !_vocabulary.TryGetId(token.Content, out _))
        {
            string shown = Excerpt.Of(token.Content);
            _warnings.Add(
                $"{token.Origin} names {shown}, which tokenizer.json lacks: its id is {_next}, for which the model may have no embedding.");
        }
        else if (before is not null && Difference(before, token) is string difference && _changed++ < MaxListed)
        {
            _warnings.Add($"{Excerpt.Of(token.Content)} has {difference} in {before.Origin}, and {Difference(token, before)} in "
                + $"{token.Origin}, which counts.");
        }

        Add(token, normalize);
    }

    private void Add(AddedToken token, Func<string, string> normalize)
    {
        if (token.Content.Length == 0)
        {
            _warnings.Add($"The added token with id {token.StatedId} is empty and left out.");
            return;
        }

        if (!_ids.TryGetValue(token.Content, out int id) && !_vocabulary.TryGetId(token.Content, out id))
        {
            if (_vocabulary.TryGetToken(_next, out _))
            {
                Warn(token, $"gets id {_next}, which the vocabulary has given away");
            }

            id = _next++;
        }

        if (token.StatedId is int stated && stated != id)
        {
            Warn(token, $"states id {stated} in {token.Origin}; its id is {id}");
        }

        _ids[token.Content] = id;
        // What is special once stays so.
        if (token.Special)
        {
            _specials.Add(token.Content);
        }

        _entries[id] = new Entry(token, token.Normalized ? normalize(token.Content) : token.Content);
    }

    private void Warn(AddedToken token, string what) => _warnings.Add($"The added token {Excerpt.Of(token.Content)} {what}.");

    // The flags of the first that the second has otherwise; null when there are none.
    private static string? Difference(AddedToken token, AddedToken other)
    {
        var flags = new List<string>();
        void Compare(string name, bool flag, bool otherFlag)
        {
            if (flag != otherFlag)
            {
                flags.Add($"{name}: {(flag ? "true" : "false")}");
            }
        }

        Compare("special", token.Special, other.Special);
        Compare("normalized", token.Normalized, other.Normalized);
        Compare("lstrip", token.LeftStrip, other.LeftStrip);
        Compare("rstrip", token.RightStrip, other.RightStrip);
        Compare("single_word", token.SingleWord, other.SingleWord);
        return flags.Count == 0 ? null : string.Join(", ", flags);
    }

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
            if (_heldId < 0)
            {
                Seek();
            }

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
                if (token.SingleWord && (WordBefore(start) || WordAfter(end)))
                {
                    continue;
                }

                if (token.LeftStrip)
                {
                    while (start > _covered && char.IsWhiteSpace(_text[start - 1]))
                    {
                        start--;
                    }
                }

                if (token.RightStrip)
                {
                    // A match inside white space that the one before has taken: it reaches as far.
                    end = Math.Max(end, _covered);
                    while (end < _text.Length && char.IsWhiteSpace(_text[end]))
                    {
                        end++;
                    }
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
