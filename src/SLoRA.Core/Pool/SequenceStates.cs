namespace SLoRA.Pool;

/// <summary>
/// The pages that hold a sequence's states, and the places where copies of them are kept for others or one is gone on from. Belongs to the
/// engine's thread.
/// </summary>
/// <param name="shape">What sequences have.</param>
/// <param name="prefixes">Keeps copies; null when nothing is kept.</param>
internal sealed class SequenceStates(TableShape shape, PrefixCache? prefixes)
{
    /// <summary>How many tokens of an answer lie between the places where states are kept.</summary>
    public const int SnapshotTokens = 64;

    private int[] _pages = [];

    // The copy that the sequence is to go on from, and where its tokens part from what was kept without one.
    private int[]? _snapshot;
    private int _partsAt;

    /// <summary>The pages, once they have been taken.</summary>
    public ReadOnlySpan<int> Pages => _pages;

    /// <summary>Whether there is a copy that the sequence is to go on from.</summary>
    public bool AreElsewhere => _snapshot is not null;

    /// <summary>Whether it has no pages yet for the states that there are.</summary>
    public bool AreMissing => _pages.Length < shape.StatePages;

    /// <summary>Makes places for the pages; the caller fills them in.</summary>
    public Span<int> Begin() => _pages = new int[shape.StatePages];

    /// <summary>Notes what others have left: holds the copy at the end of the blocks that were taken.</summary>
    /// <param name="chain">The sequence's chain.</param>
    /// <param name="blocks">Blocks that were taken.</param>
    public void Find(PrefixChain chain, int blocks)
    {
        _snapshot = shape.StatePages > 0 && blocks > 0 ? prefixes!.OwnStates(chain, blocks) : null;
        _partsAt = chain.Matched > blocks ? chain.Matched * shape.PageTokens : 0;
    }

    /// <summary>Brings back what was found; it has its pages.</summary>
    public void BringBack()
    {
        if (_snapshot is { } snapshot)
        {
            prefixes!.ReturnStates(snapshot, _pages);
            _snapshot = null;
        }
    }

    /// <summary>
    /// Where a chunk must end at the latest, so that states can be kept: where the last full block of the prompt does, or where the prompt
    /// parts from what others have computed.
    /// </summary>
    /// <param name="computed">The computed tokens.</param>
    /// <param name="prompt">Tokens of the prompt.</param>
    public int NextBorder(int computed, int prompt)
    {
        int last = LastBorder(prompt);
        return shape.StatePages == 0 ? int.MaxValue
            : _partsAt > computed && (_partsAt < last || last <= computed) ? _partsAt
            : last > computed ? last
            : int.MaxValue;
    }

    /// <summary>Keeps a copy for others, if this is a place where that is done.</summary>
    /// <param name="chain">The sequence's chain.</param>
    /// <param name="computed">The computed tokens.</param>
    /// <param name="prompt">Tokens of the prompt.</param>
    public void Keep(PrefixChain chain, int computed, int prompt)
    {
        bool isBorder = computed == LastBorder(prompt) || computed == _partsAt || (computed > prompt && computed % SnapshotTokens == 0);
        if (isBorder && shape.StatePages > 0 && computed > 0 && computed % shape.PageTokens == 0)
        {
            prefixes!.KeepStates(chain, computed / shape.PageTokens, _pages);
        }
    }

    /// <summary>Gives the copy back, and every page, the last first.</summary>
    public void Release(PagePool pool)
    {
        if (_snapshot is { } snapshot)
        {
            _snapshot = null;
            prefixes!.ReturnStates(snapshot, []);
        }

        for (int state = _pages.Length - 1; state >= 0; state--)
        {
            pool.Release(_pages[state]);
        }

        _pages = [];
    }

    private int LastBorder(int prompt) => (prompt - 1) / shape.PageTokens * shape.PageTokens;
}
