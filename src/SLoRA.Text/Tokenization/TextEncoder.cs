using System.Buffers;
using SLoRA.Text.Tokenization.AddedTokens;
using SLoRA.Text.Tokenization.Models;
using SLoRA.Text.Tokenization.Normalizers;
using SLoRA.Text.Tokenization.PreTokenizers;
using SLoRA.Text.Tokenization.Reading;

namespace SLoRA.Text.Tokenization;

/// <summary>
/// The way from text to ids: added tokens are cut out, the stretches between them are normalized, tokens that are sought in normalized
/// text are cut out of those, the rest is cut into words, and the model turns each word into ids.
/// </summary>
internal sealed partial class TextEncoder(TokenizerFile file)
{
    // The methods of spans that take a range box its ends until they are optimized.
    private static readonly SearchValues<char> Surrogates = SearchValues.Create([.. Enumerable.Range(0xD800, 0x800).Select(c => (char)c)]);

    private readonly AddedTokenTable _added = file.AddedTokens;
    private readonly Normalizer? _normalizer = file.Normalizer;
    private readonly PreTokenizer[] _preTokenizers = [.. file.PreTokenizers];
    private readonly TokenModel _model = file.Model;
    private readonly bool _seeksNormalizedSpecial = file.AddedTokens.HasNormalizedSpecial;
    private readonly bool _wordsAreBytes = file.WordsAreBytes;
    private readonly bool _dependsOnOrigin = file.PreTokenizers.Any(preTokenizer => preTokenizer.DependsOnOrigin);

    /// <summary>Appends the ids of <paramref name="text"/>, without those that the post-processor adds.</summary>
    /// <param name="text">The text.</param>
    /// <param name="scratch">What the encoding works with, and takes the ids.</param>
    /// <param name="content">Where special tokens are but text, in order; empty for nowhere.</param>
    public void Encode(ReadOnlySpan<char> text, EncodingScratch scratch, ReadOnlySpan<ContentRange> content = default)
    {
        text = WellFormed(text, scratch.Repaired);
        var mask = new ContentMask(content, _added);
        if (!_added.HasPlain)
        {
            EncodeSegment(text, atStart: true, scratch, mask);
            return;
        }

        var within = content.IsEmpty ? null : new List<ContentRange>();
        AddedTokenTable.Search search = _added.Find(text, normalized: false, mask);
        while (search.Next(out int start, out int end, out int id))
        {
            if (id >= 0)
            {
                scratch.Ids.Add(id);
            }
            else
            {
                EncodeSegment(text[start..end], start == 0, scratch, within is null ? default : mask.Slice(start, end, within));
            }
        }
    }

    /// <summary>The words of a text, as the model gets them: for tests.</summary>
    public List<string> Words(string text)
    {
        var scratch = new EncodingScratch();
        var words = new List<string>();
        ReadOnlySpan<char> input = WellFormed(text, scratch.Repaired);
        AddedTokenTable.Search search = _added.Find(input, normalized: false);
        while (search.Next(out int start, out int end, out int id))
        {
            if (id >= 0)
            {
                words.Add(input[start..end].ToString());
            }
            else
            {
                AddWords(input[start..end], start == 0, scratch, words);
            }
        }

        return words;
    }

    private void AddWords(ReadOnlySpan<char> segment, bool atStart, EncodingScratch scratch, List<string> words)
    {
        ReadOnlySpan<char> normal = Normalize(segment, ref atStart, scratch.Normalized);
        AddedTokenTable.Search search = _added.Find(normal, normalized: true);
        while (search.Next(out int start, out int end, out int id))
        {
            if (id >= 0)
            {
                words.Add(normal[start..end].ToString());
                continue;
            }

            var pieces = new PreTokenizedText(normal[start..end], scratch.Pieces, atStart && start == 0);
            foreach (PreTokenizer preTokenizer in _preTokenizers)
            {
                preTokenizer.Apply(ref pieces);
            }

            foreach (Piece piece in pieces.Pieces)
            {
                scratch.Word.Clear();
                if (_wordsAreBytes)
                {
                    ByteAlphabet.Append(pieces.Text[piece.Start..piece.End], scratch.Word);
                }
                else
                {
                    scratch.Word.Append(pieces.Text[piece.Start..piece.End]);
                }

                words.Add(scratch.Word.Span.ToString());
            }
        }
    }

    private void EncodeSegment(ReadOnlySpan<char> segment, bool atStart, EncodingScratch scratch, ContentMask mask)
    {
        ReadOnlySpan<char> text = Normalize(segment, ref atStart, scratch.Normalized);
        bool asText = !mask.IsEmpty;
        if (!_added.HasNormalized)
        {
            EncodeWords(text, atStart, scratch, asText);
            return;
        }

        if (asText && _seeksNormalizedSpecial && text != segment)
        {
            mask = Normalized(segment, text.Length, mask);
        }

        AddedTokenTable.Search search = _added.Find(text, normalized: true, mask);
        while (search.Next(out int start, out int end, out int id))
        {
            if (id >= 0)
            {
                scratch.Ids.Add(id);
            }
            else
            {
                EncodeWords(text[start..end], atStart && start == 0, scratch, asText);
            }
        }
    }

    private ReadOnlySpan<char> Normalize(ReadOnlySpan<char> segment, ref bool atStart, CharBuffer output)
    {
        if (_normalizer is null || _normalizer.LeavesAsIs(segment))
        {
            return segment;
        }

        if (atStart && _dependsOnOrigin && _normalizer.RemovesStart(segment))
        {
            atStart = false;
        }

        output.Clear();
        output.MaxLength = CharBuffer.Bound(segment.Length);
        _normalizer.Normalize(segment, output);
        return output.Span;
    }

    private void EncodeWords(ReadOnlySpan<char> text, bool atStart, EncodingScratch scratch, bool asText)
    {
        if (text.IsEmpty)
        {
            return;
        }

        var pieces = new PreTokenizedText(text, scratch.Pieces, atStart);
        foreach (PreTokenizer preTokenizer in _preTokenizers)
        {
            preTokenizer.Apply(ref pieces);
        }

        ReadOnlySpan<char> words = pieces.Text;
        // The model's word is another text when it is written in the stand-ins of its bytes: a cut of this one says nothing about it.
        char cut = _wordsAreBytes ? '\0' : _model.CutCharacter;
        foreach (Piece piece in pieces.Pieces)
        {
            ReadOnlySpan<char> word = words[piece.Start..piece.End];
            if (cut == '\0')
            {
                EncodePart(word, scratch, asText);
            }
            else
            {
                EncodeCut(word, cut, scratch, asText);
            }
        }
    }

    private void EncodeCut(ReadOnlySpan<char> word, char cut, EncodingScratch scratch, bool asText)
    {
        int start = 0;
        int at = 1;
        while (at < word.Length)
        {
            int found = word[at..].IndexOf(cut);
            if (found < 0)
            {
                break;
            }

            at += found;
            if (_model.MayCutBefore(word[at - 1], cut))
            {
                EncodePart(word[start..at], scratch, asText);
                start = at;
            }

            at++;
        }

        EncodePart(word[start..], scratch, asText);
    }

    private void EncodePart(ReadOnlySpan<char> word, EncodingScratch scratch, bool asText)
    {
        if (asText)
        {
            EncodeAsText(word, scratch);
        }
        else
        {
            EncodeWord(word, scratch);
        }
    }

    private void EncodeWord(ReadOnlySpan<char> word, EncodingScratch scratch)
    {
        if (word.Length > WordCache.MaxWord)
        {
            EncodeNew(word, scratch);
            return;
        }

        uint hash = WordCache.Hash(word);
        if (scratch.Words.TryGet(word, hash, out ReadOnlySpan<int> known))
        {
            scratch.Ids.AddRange(known);
            return;
        }

        int before = scratch.Ids.Count;
        EncodeNew(word, scratch);
        scratch.Words.Add(word, hash, scratch.Ids.Span[before..]);
    }

    private void EncodeNew(ReadOnlySpan<char> word, EncodingScratch scratch)
    {
        if (_wordsAreBytes)
        {
            scratch.Word.Clear();
            ByteAlphabet.Append(word, scratch.Word);
            word = scratch.Word.Span;
        }

        _model.Encode(word, scratch.Model, scratch.Ids);
    }

    // A lone surrogate cannot be expressed in UTF-8; it becomes U+FFFD, as everywhere.
    private static ReadOnlySpan<char> WellFormed(ReadOnlySpan<char> text, CharBuffer repaired)
    {
        if (!text.ContainsAny(Surrogates) || IsWellFormed(text))
        {
            return text;
        }

        repaired.Clear();
        for (int at = 0; at < text.Length; at++)
        {
            bool pair = char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]);
            if (pair)
            {
                repaired.Append(text[at++]);
            }

            repaired.Append(pair || !char.IsSurrogate(text[at]) ? text[at] : '\uFFFD');
        }

        return repaired.Span;
    }

    private static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        for (int at = text.IndexOfAny(Surrogates); at >= 0 && at < text.Length; at++)
        {
            if (!char.IsSurrogate(text[at]))
            {
                continue;
            }

            if (!char.IsHighSurrogate(text[at]) || at + 1 >= text.Length || !char.IsLowSurrogate(text[at + 1]))
            {
                return false;
            }

            at++;
        }

        return true;
    }
}
