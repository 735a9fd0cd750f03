using System.Runtime.InteropServices;
using SLoRA.Text.Tokenization.AddedTokens;

namespace SLoRA.Text.Tokenization;

/// <content>Content, in which special tokens are but text: words in which the model may find no special token.</content>
internal sealed partial class TextEncoder
{
    private ContentMask Normalized(ReadOnlySpan<char> segment, int normalLength, ContentMask mask)
    {
        var mapped = new List<ContentRange>();
        NormalizedContent.Map(_normalizer!, segment, normalLength, mask.Content, mapped);
        return new ContentMask(CollectionsMarshal.AsSpan(mapped), _added);
    }

    // Some vocabularies hold their special tokens as words or pieces, which the model finds where they are spelled. Such a word is cut
    // within the spelling.
    private void EncodeAsText(ReadOnlySpan<char> word, EncodingScratch scratch)
    {
        int before = scratch.Ids.Count;
        EncodeWord(word, scratch);
        if (!HasSpecial(scratch.Ids.Span[before..]))
        {
            return;
        }

        scratch.Ids.Truncate(before);
        int cut = Cut(word);
        if (cut == 0)
        {
            // One character that is a special token by itself.
            if (_model.UnknownId is { } unknown)
            {
                scratch.Ids.Add(unknown);
            }

            return;
        }

        EncodeAsText(word[..cut], scratch);
        EncodeAsText(word[cut..], scratch);
    }

    private bool HasSpecial(ReadOnlySpan<int> ids)
    {
        foreach (int id in ids)
        {
            if (id != _model.UnknownId && _added.IsSpecial(id))
            {
                return true;
            }
        }

        return false;
    }

    // Behind the first character of the first special token that is spelled; in the middle where none is; 0 where there is nothing to cut.
    private int Cut(ReadOnlySpan<char> word)
    {
        foreach (bool normalized in (ReadOnlySpan<bool>)[false, true])
        {
            AddedTokenTable.Search search = _added.Find(word, normalized);
            while (search.Next(out int start, out int end, out int id))
            {
                int behind = start + Width(word, start);
                if (id >= 0 && _added.IsSpecial(id) && behind < end)
                {
                    return behind;
                }
            }
        }

        int middle = word.Length / 2;
        return middle > 0 && char.IsLowSurrogate(word[middle]) ? middle - 1 : middle;
    }

    private static int Width(ReadOnlySpan<char> text, int at) => char.IsHighSurrogate(text[at]) && at + 1 < text.Length ? 2 : 1;
}
