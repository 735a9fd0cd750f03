namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>
/// A set of code points, given by a predicate and looked up by bits: ASCII at once, pages of 256 of the first plane when first asked for.
/// An expression has a set per character: until a page is asked for, one takes little more than its predicate.
/// </summary>
internal sealed class CharSet
{
    private readonly Func<int, bool> _contains;
    private readonly ulong _low;
    private readonly ulong _high;
    private ulong[]?[]? _pages;

    public CharSet(Func<int, bool> contains)
    {
        _contains = contains;
        for (int i = 0; i < 64; i++)
        {
            if (contains(i))
            {
                _low |= 1UL << i;
            }

            if (contains(i + 64))
            {
                _high |= 1UL << i;
            }
        }
    }

    public bool Contains(int codePoint)
    {
        if (codePoint < 64)
        {
            return ((_low >> codePoint) & 1) != 0;
        }

        if (codePoint < 128)
        {
            return ((_high >> (codePoint - 64)) & 1) != 0;
        }

        if (codePoint >= 0x10000)
        {
            return _contains(codePoint);
        }

        ulong[] page = _pages?[codePoint >> 8] ?? MakePage(codePoint >> 8);
        return ((page[(codePoint >> 6) & 3] >> (codePoint & 63)) & 1) != 0;
    }

    public static CharSet Range(int first, int last) => new(c => c >= first && c <= last);

    public static CharSet Union(IReadOnlyList<CharSet> sets) => sets.Count == 1 ? sets[0] : new(c =>
    {
        foreach (CharSet set in sets)
        {
            if (set._contains(c))
            {
                return true;
            }
        }

        return false;
    });

    /// <summary>What all of the sets contain. Flat, however many they are, as an expression can join any number.</summary>
    public static CharSet Intersection(IReadOnlyList<CharSet> sets) => sets.Count == 1 ? sets[0] : new(c =>
    {
        foreach (CharSet set in sets)
        {
            if (!set._contains(c))
            {
                return false;
            }
        }

        return true;
    });

    public CharSet Negate() => new(c => !_contains(c));

    /// <summary>The set with the other cases of its members.</summary>
    public CharSet IgnoreCase() => new(c => _contains(c) || CaseFolding.AnyCase(c, _contains));

    // Two threads may both make a page; the bits are the same.
    private ulong[] MakePage(int number)
    {
        ulong[] page = new ulong[4];
        for (int i = 0; i < 256; i++)
        {
            if (_contains((number << 8) | i))
            {
                page[i >> 6] |= 1UL << (i & 63);
            }
        }

        ulong[]?[] pages = _pages ?? Interlocked.CompareExchange(ref _pages, new ulong[]?[256], null) ?? _pages;
        return pages[number] = page;
    }
}
