namespace SLoRA.Pool;

/// <summary>
/// Which pages a sequence has for its blocks: one of every group of layers, from the group's first block on; those before it have been let
/// go. Owns nothing: what a page costs is <see cref="PageTable"/>'s affair.
/// </summary>
/// <param name="groups">Groups of layers.</param>
internal sealed class BlockPages(int groups)
{
    /// <summary>No page.</summary>
    public const int None = -1;

    private readonly int[] _first = new int[groups];

    // The pages of a group one after the other, with room for as many blocks in each.
    private int[] _pages = [];

    /// <summary>Blocks that there is room for.</summary>
    public int Room { get; private set; }

    /// <summary>Blocks that it has pages of.</summary>
    public int Count { get; set; }

    /// <summary>The page of a block for a group, from the group's first block on.</summary>
    public ref int this[int group, int block] => ref _pages[(group * Room) + block];

    /// <summary>The first block that it has a page of, for a group.</summary>
    public ref int First(int group) => ref _first[group];

    /// <summary>The page of a block for a group; <see cref="None"/> when it has none.</summary>
    public int At(int group, int block) => block < _first[group] || block >= Count ? None : this[group, block];

    /// <summary>The pages of a group, from its first block on to before this one.</summary>
    public ReadOnlySpan<int> Of(int group, int end) =>
        end <= _first[group] ? [] : _pages.AsSpan((group * Room) + _first[group], end - _first[group]);

    /// <summary>Makes room for so many blocks.</summary>
    public void MakeRoom(int blocks)
    {
        if (Room < blocks)
        {
            var pages = new int[groups * blocks];
            for (int group = 0; group < groups && Count > 0; group++)
            {
                _pages.AsSpan(group * Room, Count).CopyTo(pages.AsSpan(group * blocks));
            }

            (_pages, Room) = (pages, blocks);
        }
    }

    /// <summary>Begins anew without blocks.</summary>
    public void Clear()
    {
        Count = 0;
        _first.AsSpan().Clear();
    }
}
