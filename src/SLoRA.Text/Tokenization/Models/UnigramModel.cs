using System.Text;

namespace SLoRA.Text.Tokenization.Models;

/// <summary>
/// Unigram: of all ways to write a word in tokens the one with the greatest sum of scores, found from left to right; characters that no
/// token covers count as unknown at ten below the smallest score, and neighbours of them become one.
/// </summary>
internal sealed class UnigramModel : TokenModel
{
    private const double UnknownPenalty = 10;

    private readonly double[] _scores;
    private readonly int? _unknown;
    private readonly bool _byteFallback;
    private readonly int[] _bytes = new int[256];
    private readonly double _unknownScore;
    private readonly TokenPrefixes _prefixes;

    /// <param name="vocabulary">Tokens; the id is the place in the list.</param>
    /// <param name="scores">By id.</param>
    /// <param name="unknown">The id for what is unknown, or null.</param>
    /// <param name="byteFallback">Whether what is unknown is written in byte tokens where all of them are there.</param>
    public UnigramModel(Vocabulary vocabulary, double[] scores, int? unknown, bool byteFallback)
        : base(vocabulary)
    {
        _scores = scores;
        _unknown = unknown;
        _byteFallback = byteFallback;
        _unknownScore = (scores.Length == 0 ? double.PositiveInfinity : scores.Min()) - UnknownPenalty;
        _prefixes = new TokenPrefixes(vocabulary);
        for (int value = 0; value < 256; value++)
        {
            vocabulary.TryGetId($"<0x{value:X2}>", out _bytes[value]);
        }
    }

    public override int? UnknownId => _unknown;

    public override void Encode(ReadOnlySpan<char> word, ModelScratch scratch, IdBuffer ids)
    {
        ModelScratch.Ensure(ref scratch.Bytes, 3 * word.Length);
        ReadOnlySpan<byte> text = scratch.Bytes.AsSpan(0, Encoding.UTF8.GetBytes(word, scratch.Bytes));
        ModelScratch.Ensure(ref scratch.Scores, text.Length + 1);
        ModelScratch.Ensure(ref scratch.Previous, text.Length + 1);
        ModelScratch.Ensure(ref scratch.Symbols, text.Length + 1);
        FindBest(text, scratch.Scores, scratch.Previous, scratch.Symbols);
        ModelScratch.Ensure(ref scratch.Next, text.Length + 1);
        int count = 0;
        for (int end = text.Length; end > 0; end = scratch.Previous[end])
        {
            scratch.Next[count++] = end;
        }

        int start = 0;
        for (int i = count - 1; i >= 0; i--)
        {
            int end = scratch.Next[i];
            bool unknown = scratch.Symbols[end] == _unknown;
            while (unknown && i > 0 && scratch.Symbols[scratch.Next[i - 1]] == _unknown)
            {
                end = scratch.Next[--i];
            }

            if (unknown)
            {
                AddUnknown(text[start..end], ids);
            }
            else
            {
                ids.Add(scratch.Symbols[end]);
            }

            start = end;
        }
    }

    // best[n]: the greatest score of the first n bytes; previous[n] and symbols[n]: the start and the id of the last token of that way.
    private void FindBest(ReadOnlySpan<byte> text, double[] best, int[] previous, int[] symbols)
    {
        previous.AsSpan(0, text.Length + 1).Fill(-1);
        best[0] = 0;
        for (int start = 0; start < text.Length;)
        {
            int length = LengthOfCharacter(text[start]);
            bool covered = false;
            int node = 0;
            for (int at = start; at < text.Length;)
            {
                node = _prefixes.Step(node, text[at++]);
                if (node == 0)
                {
                    break;
                }

                int id = _prefixes.Id(node);
                if (id < 0)
                {
                    continue;
                }

                Offer(best, previous, symbols, start, at, id, _scores[id]);
                covered |= at - start == length;
            }

            if (!covered)
            {
                int unknown = _unknown ?? throw TokenizerException.Unknown(
                    $"The text holds {Excerpt.Of(text.Slice(start, length))}, which the vocabulary lacks, and the model has no unk_id.");
                Offer(best, previous, symbols, start, start + length, unknown, _unknownScore);
            }

            start += length;
        }
    }

    private static void Offer(double[] best, int[] previous, int[] symbols, int start, int end, int id, double score)
    {
        double candidate = score + best[start];
        if (previous[end] >= 0 && !(candidate > best[end]))
        {
            return;
        }

        best[end] = candidate;
        previous[end] = start;
        symbols[end] = id;
    }

    private static int LengthOfCharacter(byte first) => first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

    // Joined unknowns may spell a token after all.
    private void AddUnknown(ReadOnlySpan<byte> text, IdBuffer ids)
    {
        if (Vocabulary.TryGetId(text, out int id))
        {
            ids.Add(id);
            return;
        }

        if (_byteFallback && HasBytes(text))
        {
            foreach (byte value in text)
            {
                ids.Add(_bytes[value]);
            }

            return;
        }

        ids.Add(_unknown!.Value);
    }

    private bool HasBytes(ReadOnlySpan<byte> text)
    {
        foreach (byte value in text)
        {
            if (_bytes[value] < 0)
            {
                return false;
            }
        }

        return true;
    }
}
