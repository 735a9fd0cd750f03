using System.Text;

namespace SLoRA.Text.Tokenization.Models;

/// <summary>
/// WordPiece: the longest token that starts the word, then the longest continuing one, and so on; a word that cannot be covered so, or is
/// too long, is unknown as a whole.
/// </summary>
internal sealed class WordPieceModel(Vocabulary vocabulary, string unknownToken, string prefix, int maxCharacters) : TokenModel(vocabulary)
{
    private readonly byte[] _prefix = Encoding.UTF8.GetBytes(prefix);

    public override int? UnknownId => Vocabulary.TryGetId(unknownToken, out int id) ? id : null;

    public override void Encode(ReadOnlySpan<char> word, ModelScratch scratch, IdBuffer ids)
    {
        ModelScratch.Ensure(ref scratch.Symbols, word.Length + 1);
        int count = word.Length > 2L * maxCharacters ? -1 : Cover(word, scratch);
        if (count >= 0)
        {
            ids.AddRange(scratch.Symbols.AsSpan(0, count));
            return;
        }

        if (!Vocabulary.TryGetId(unknownToken, out int unknown))
        {
            throw TokenizerException.Unknown(
                $"The text holds the word {Excerpt.Of(word)}, which the vocabulary lacks, and so it does model.unk_token, "
                + $"{Excerpt.Of(unknownToken)}.");
        }

        ids.Add(unknown);
    }

    private int Cover(ReadOnlySpan<char> word, ModelScratch scratch)
    {
        // The word lies behind the prefix, so that a continuing piece is looked up with the prefix written right before it.
        ModelScratch.Ensure(ref scratch.Bytes, _prefix.Length + (3 * word.Length));
        byte[] bytes = scratch.Bytes;
        int start = _prefix.Length;
        int end = start + Encoding.UTF8.GetBytes(word, bytes.AsSpan(start));
        int characters = 0;
        for (int i = start; i < end; i++)
        {
            if ((bytes[i] & 0xC0) != 0x80)
            {
                characters++;
            }
        }

        if (characters > maxCharacters)
        {
            return -1;
        }

        int count = 0;
        for (int from = start; from < end;)
        {
            int before = from == start ? 0 : _prefix.Length;
            // What the prefix overwrites is covered already.
            _prefix.AsSpan(0, before).CopyTo(bytes.AsSpan(from - before));
            int to = Math.Min(end, from + Vocabulary.MaxTokenBytes);
            while (to < end && (bytes[to] & 0xC0) == 0x80)
            {
                to--;
            }

            int id = -1;
            while (to > from && !Vocabulary.TryGetId(bytes.AsSpan(from - before, to - from + before), out id))
            {
                do
                {
                    to--;
                }
                while (to > from && (bytes[to] & 0xC0) == 0x80);
            }

            if (to <= from)
            {
                return -1;
            }

            scratch.Symbols[count++] = id;
            from = to;
        }

        return count;
    }
}
