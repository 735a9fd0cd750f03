using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;

namespace SLoRA.Text.Tokenization.Models;

/// <summary>
/// Byte pair encoding: a word's characters become symbols, then the pair of smallest rank (the leftmost of equals) is merged until none
/// is left. Short words are merged by scanning; long ones over a linked list with a heap, so the time stays linear but for a logarithm.
/// </summary>
internal sealed class BpeModel : TokenModel
{
    private const int ScanLimit = 40;
    private const char Metaspace = '\u2581';

    private readonly MergeTable _merges;
    private readonly BpeOptions _options;
    private readonly int[] _characters = new int[0x10000];
    private readonly int[] _bytes = new int[256];
    private readonly bool _allBytes;
    private readonly int _unknown = -1;
    private readonly bool[]? _joinsMetaspace;

    /// <param name="vocabulary">Sealed.</param>
    /// <param name="merges">By the vocabulary's ids.</param>
    /// <param name="options">The other members of the section.</param>
    /// <param name="joinsMetaspace">For every character whether some merge joins it with a ▁ behind it, or null when that is not
    /// known.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public BpeModel(Vocabulary vocabulary, MergeTable merges, BpeOptions options, bool[]? joinsMetaspace)
        : base(vocabulary)
    {
        _merges = merges;
        _options = options;
        _joinsMetaspace = joinsMetaspace;
        Array.Fill(_characters, -1);
        for (int entry = 0; entry < vocabulary.Count; entry++)
        {
            ReadOnlySpan<byte> token = vocabulary.Token(entry);
            if (token.Length is 0 or > 3)
            {
                continue;
            }

            if (Rune.DecodeFromUtf8(token, out Rune rune, out int length) == OperationStatus.Done && length == token.Length)
            {
                _characters[rune.Value] = vocabulary.Id(entry);
            }
        }

        _allBytes = options.ByteFallback;
        for (int value = 0; value < 256 && options.ByteFallback; value++)
        {
            if (!vocabulary.TryGetId($"<0x{value:X2}>", out _bytes[value]))
            {
                _allBytes = false;
            }
        }

        if (options.UnknownToken is not null && !vocabulary.TryGetId(options.UnknownToken, out _unknown))
        {
            _unknown = -1;
        }

        // A word may be cut before ▁ when the characters on both sides are neighbours as symbols too (every character becomes one or more
        // symbols, and ▁ is its own), when a symbol does not depend on its place in the word, and when the word is not looked up as a
        // whole.
        bool everyCharacterStays = options.UnknownToken is not null || _allBytes;
        bool cuts = everyCharacterStays && _characters[Metaspace] >= 0 && options.ContinuingPrefix is null
            && options.EndOfWordSuffix is null
            && !options.IgnoreMerges;
        if (!cuts)
        {
            _joinsMetaspace = null;
        }
    }

    public override int? UnknownId => _unknown >= 0 ? _unknown : null;

    public override char CutCharacter => _joinsMetaspace is null ? '\0' : Metaspace;

    public override bool MayCutBefore(char previous, char next) => _joinsMetaspace is { } joins && next == Metaspace && !joins[previous];

    public override void Encode(ReadOnlySpan<char> word, ModelScratch scratch, IdBuffer ids)
    {
        if (_options.IgnoreMerges && Vocabulary.TryGetId(word, out int whole))
        {
            ids.Add(whole);
            return;
        }

        int count = ToSymbols(word, scratch);
        if (count <= ScanLimit)
        {
            count = MergeByScan(scratch.Symbols.AsSpan(0, count), scratch.Ranks);
        }
        else
        {
            count = MergeByQueue(count, scratch);
        }

        ids.AddRange(scratch.Symbols.AsSpan(0, count));
    }

    private int ToSymbols(ReadOnlySpan<char> word, ModelScratch scratch)
    {
        // One symbol a character, and one pending unknown; bytes make room for themselves.
        ModelScratch.Ensure(ref scratch.Symbols, word.Length + 1);
        int[] symbols = scratch.Symbols;
        int count = 0;
        bool pending = false;
        for (int at = 0; at < word.Length;)
        {
            int start = at++;
            if (char.IsHighSurrogate(word[start]))
            {
                at++;
            }

            int id = CharacterId(word, start, at);
            if (id >= 0)
            {
                // An unknown that waits to be fused goes out before the next known character, but after byte tokens: as the oracle does.
                if (pending)
                {
                    symbols[count++] = _unknown;
                }

                pending = false;
                symbols[count++] = id;
            }
            else if (_options.ByteFallback && AddBytes(word, start, at, scratch, ref count))
            {
                symbols = scratch.Symbols;
            }
            else if (_options.UnknownToken is not null)
            {
                if (_unknown < 0)
                {
                    throw TokenizerException.Unknown(
                        $"The text holds {Excerpt.Of(word[start..at])}, which the vocabulary lacks, and so it does model.unk_token, "
                        + $"{Excerpt.Of(_options.UnknownToken)}.");
                }

                if (pending && !_options.FuseUnknown)
                {
                    symbols[count++] = _unknown;
                }

                pending = true;
            }
        }

        if (pending)
        {
            symbols[count++] = _unknown;
        }

        return count;
    }

    private int CharacterId(ReadOnlySpan<char> word, int start, int end)
    {
        bool prefixed = start > 0 && _options.ContinuingPrefix is not null;
        bool suffixed = end == word.Length && _options.EndOfWordSuffix is not null;
        if (!prefixed && !suffixed && end - start == 1)
        {
            return _characters[word[start]];
        }

        return Vocabulary.TryGetId(Affixed(word, start, end), out int id) ? id : -1;
    }

    private ReadOnlySpan<char> Affixed(ReadOnlySpan<char> word, int start, int end)
    {
        bool prefixed = start > 0 && _options.ContinuingPrefix is not null;
        bool suffixed = end == word.Length && _options.EndOfWordSuffix is not null;
        if (!prefixed && !suffixed)
        {
            return word[start..end];
        }

        return string.Concat(prefixed ? _options.ContinuingPrefix : "", word[start..end], suffixed ? _options.EndOfWordSuffix : "");
    }

    private bool AddBytes(ReadOnlySpan<char> word, int start, int end, ModelScratch scratch, ref int count)
    {
        ReadOnlySpan<char> text = Affixed(word, start, end);
        Span<byte> utf8 = stackalloc byte[256];
        if (text.Length > 64)
        {
            utf8 = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        }

        utf8 = utf8[..Encoding.UTF8.GetBytes(text, utf8)];
        if (!_allBytes)
        {
            foreach (byte value in utf8)
            {
                if (_bytes[value] < 0)
                {
                    return false;
                }
            }
        }

        int needed = count + utf8.Length + (word.Length - end) + 2;
        if (needed > scratch.Symbols.Length)
        {
            Array.Resize(ref scratch.Symbols, Math.Max(needed, 2 * scratch.Symbols.Length));
        }

        foreach (byte value in utf8)
        {
            scratch.Symbols[count++] = _bytes[value];
        }

        return true;
    }

    private int MergeByScan(Span<int> symbols, int[] ranks)
    {
        int count = symbols.Length;
        for (int i = 0; i + 1 < count; i++)
        {
            ranks[i] = _merges.Rank(symbols[i], symbols[i + 1], out _);
        }

        while (count > 1)
        {
            int best = int.MaxValue;
            int at = 0;
            for (int i = 0; i + 1 < count; i++)
            {
                if (ranks[i] < best)
                {
                    best = ranks[i];
                    at = i;
                }
            }

            if (best == int.MaxValue)
            {
                break;
            }

            _merges.Rank(symbols[at], symbols[at + 1], out symbols[at]);
            symbols[(at + 2)..count].CopyTo(symbols[(at + 1)..]);
            if (at + 2 < count)
            {
                ranks.AsSpan(at + 1, count - at - 2).CopyTo(ranks.AsSpan(at));
            }

            count--;
            if (at > 0)
            {
                ranks[at - 1] = _merges.Rank(symbols[at - 1], symbols[at], out _);
            }

            if (at + 1 < count)
            {
                ranks[at] = _merges.Rank(symbols[at], symbols[at + 1], out _);
            }
        }

        return count;
    }

    private int MergeByQueue(int count, ModelScratch scratch)
    {
        ModelScratch.Ensure(ref scratch.Previous, count);
        ModelScratch.Ensure(ref scratch.Next, count);
        int[] symbols = scratch.Symbols;
        int[] previous = scratch.Previous;
        int[] next = scratch.Next;
        MergeQueue queue = scratch.Queue;
        queue.Clear();
        for (int i = 0; i < count; i++)
        {
            previous[i] = i - 1;
            next[i] = i + 1 < count ? i + 1 : -1;
            if (i + 1 < count)
            {
                Offer(queue, symbols, i, i + 1);
            }
        }

        while (queue.TryPop(out int rank, out int left))
        {
            int right = next[left];
            // A queue entry is out of date when its left symbol is gone (-2), is the last (-1), or now forms another pair.
            if (right < 0 || _merges.Rank(symbols[left], symbols[right], out int merged) != rank)
            {
                continue;
            }

            symbols[left] = merged;
            next[left] = next[right];
            next[right] = -2;
            if (next[left] >= 0)
            {
                previous[next[left]] = left;
                Offer(queue, symbols, left, next[left]);
            }

            if (previous[left] >= 0)
            {
                Offer(queue, symbols, previous[left], left);
            }
        }

        int kept = 0;
        for (int i = 0; i >= 0; i = next[i])
        {
            symbols[kept++] = symbols[i];
        }

        return kept;
    }

    private void Offer(MergeQueue queue, int[] symbols, int left, int right)
    {
        int rank = _merges.Rank(symbols[left], symbols[right], out _);
        if (rank != int.MaxValue)
        {
            queue.Push(rank, left);
        }
    }
}
