namespace SLoRA.Pool;

/// <summary>
/// Pages of layers that see only the last positions, shared by sequences of which some <b>pass</b>: they let a page go while they run, and
/// have been promised another one for it. The last one that does gets the place of the page itself; for each of the others a promise is
/// <b>set aside</b> with the page, and one for the last too where somebody <b>stays</b>, who needs the page until the end. Whoever joins
/// pays what must be set aside more; whoever leaves gets what is set aside no longer. Belongs to the engine's thread.
/// </summary>
/// <param name="pages">Pages of the pool.</param>
internal sealed class SharedWindows(int pages)
{
    private readonly int[] _passing = new int[pages];
    private readonly int[] _staying = new int[pages];

    /// <summary>Promises that are set aside with pages.</summary>
    public int SetAside { get; private set; }

    /// <summary>A sequence becomes an owner of a page.</summary>
    /// <returns>How many promises more are set aside: 0 or 1.</returns>
    public int Join(int page, bool passes) => Change(page, passes, 1);

    /// <summary>A sequence is no longer an owner of a page.</summary>
    /// <returns>How many promises fewer are set aside: 0 or 1.</returns>
    public int Leave(int page, bool passes) => -Change(page, passes, -1);

    private int Change(int page, bool passes, int owners)
    {
        int before = AsideOf(page);
        (passes ? _passing : _staying)[page] += owners;
        int more = AsideOf(page) - before;
        SetAside += more;
        return more;
    }

    private int AsideOf(int page) => _passing[page] == 0 ? 0 : _passing[page] - (_staying[page] == 0 ? 1 : 0);
}
