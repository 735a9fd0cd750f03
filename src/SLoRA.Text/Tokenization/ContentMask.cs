using SLoRA.Text.Tokenization.AddedTokens;

namespace SLoRA.Text.Tokenization;

/// <summary>
/// Which parts of a text may hold no special token, because they are what a conversation says and not what its template writes. Empty for
/// ordinary texts.
/// </summary>
/// <param name="content">The parts, in order.</param>
/// <param name="added">Says which tokens are special.</param>
internal readonly ref struct ContentMask(ReadOnlySpan<ContentRange> content, AddedTokenTable added)
{
    private readonly ReadOnlySpan<ContentRange> _content = content;

    public bool IsEmpty => _content.IsEmpty;

    /// <summary>The parts, in order.</summary>
    public ReadOnlySpan<ContentRange> Content => _content;

    /// <summary>Whether a token may not stand here: it is special, and some character of it is content.</summary>
    public bool Refuses(int id, int start, int end) => !_content.IsEmpty && Touches(start, end) && added.IsSpecial(id);

    /// <summary>The parts within a stretch of the text, counted from its start.</summary>
    public ContentMask Slice(int start, int end, List<ContentRange> parts)
    {
        parts.Clear();
        if (_content.IsEmpty)
        {
            return default;
        }

        for (int i = First(start); i < _content.Length && _content[i].Start < end; i++)
        {
            parts.Add(new ContentRange(Math.Max(_content[i].Start, start) - start, Math.Min(_content[i].End, end) - start));
        }

        return new ContentMask(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(parts), added);
    }

    private bool Touches(int start, int end)
    {
        int first = First(start);
        return first < _content.Length && _content[first].Start < end;
    }

    // The first part that ends behind a place.
    private int First(int place)
    {
        int low = 0, high = _content.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_content[middle].End <= place)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
