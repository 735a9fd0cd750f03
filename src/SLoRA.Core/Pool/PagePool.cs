namespace SLoRA.Pool;

/// <summary>
/// Hands out the pages of one allocation: counts and ids, no bytes. A page is free, or owned by as many owners as its count says. Pages
/// that admitted work will need are reserved: they are no longer available to others, though nobody owns them yet. total = free + owned,
/// available = free − reserved. O(1) per page; nothing is ever moved. Belongs to the engine's thread.
/// </summary>
internal sealed class PagePool
{
    private readonly int[] _free;
    private readonly int[] _owners;
    private int _freeCount;

    /// <summary>Creates a pool whose pages are all free.</summary>
    public PagePool(int pageCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pageCount);
        _free = new int[pageCount];
        _owners = new int[pageCount];
        _freeCount = pageCount;
        for (int i = 0; i < pageCount; i++)
        {
            _free[i] = pageCount - 1 - i;
        }
    }

    /// <summary>All pages.</summary>
    public int Total => _owners.Length;

    /// <summary>Pages that nobody owns, reserved ones included.</summary>
    public int Free => _freeCount;

    /// <summary>Free pages that are promised to admitted work.</summary>
    public int Reserved { get; private set; }

    /// <summary>Free pages that are not promised.</summary>
    public int Available => _freeCount - Reserved;

    /// <summary>Pages of windows that sequences share, with the promises that are set aside for them; counted as reserved.</summary>
    public SharedWindows Windows => field ??= new SharedWindows(Total);

    /// <summary>Pages with at least one owner.</summary>
    public int Owned => Total - _freeCount;

    /// <summary>Promises pages, if so many are available.</summary>
    public bool TryReserve(int pages)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pages);
        if (pages > Available)
        {
            return false;
        }

        Reserved += pages;
        return true;
    }

    /// <summary>Takes back a promise.</summary>
    public void CancelReservation(int pages)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pages);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pages, Reserved);
        Reserved -= pages;
    }

    /// <summary>Gives one promised page to its first owner.</summary>
    public int TakeReserved()
    {
        if (Reserved == 0)
        {
            throw new InvalidOperationException("No page is reserved.");
        }

        Reserved--;
        int page = _free[--_freeCount];
        _owners[page] = 1;
        return page;
    }

    /// <summary>Adds an owner to an owned page.</summary>
    public void Share(int page)
    {
        ThrowIfFree(page);
        _owners[page]++;
    }

    /// <summary>Takes one owner away; the last one frees the page.</summary>
    public void Release(int page)
    {
        ThrowIfFree(page);
        if (--_owners[page] == 0)
        {
            _free[_freeCount++] = page;
        }
    }

    /// <summary>Owners of a page; 0 when it is free.</summary>
    public int OwnersOf(int page) => _owners[page];

    /// <summary>A copy of the counts and of the free list, for the invariants' validator.</summary>
    public PoolSnapshot Snapshot() => new([.. _owners], [.. _free.AsSpan(0, _freeCount)], Reserved)
    {
        SetAside = Windows.SetAside,
    };

    private void ThrowIfFree(int page)
    {
        if (_owners[page] == 0)
        {
            throw new InvalidOperationException($"Page {page} is free.");
        }
    }
}
