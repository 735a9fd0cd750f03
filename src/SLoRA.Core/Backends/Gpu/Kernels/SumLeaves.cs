namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Where the leaves of a sum end: each is added by itself, and the leaves, a power of two up to 8, as a balanced tree
/// (<see cref="SLoRA.Step.Split"/>).
/// </summary>
internal readonly struct SumLeaves
{
    /// <summary>Leaves.</summary>
    public readonly int Count;
    private readonly int _end0;
    private readonly int _end1;
    private readonly int _end2;
    private readonly int _end3;
    private readonly int _end4;
    private readonly int _end5;
    private readonly int _end6;
    private readonly int _end7;

    /// <summary>Leaves between borders, of which the first is 0 and the last the end of the sum.</summary>
    public SumLeaves(ReadOnlySpan<int> borders)
    {
        ReadOnlySpan<int> ends = borders[1..];
        Count = ends.Length;
        _end0 = ends[0];
        _end1 = ends[Math.Min(1, Count - 1)];
        _end2 = ends[Math.Min(2, Count - 1)];
        _end3 = ends[Math.Min(3, Count - 1)];
        _end4 = ends[Math.Min(4, Count - 1)];
        _end5 = ends[Math.Min(5, Count - 1)];
        _end6 = ends[Math.Min(6, Count - 1)];
        _end7 = ends[Math.Min(7, Count - 1)];
    }

    /// <summary>Whether every leaf is whole runs of so many.</summary>
    public bool AreMultiplesOf(int run)
    {
        bool are = true;
        for (int leaf = 0; leaf < Count; leaf++)
        {
            are &= End(leaf) % run == 0;
        }

        return are;
    }

    /// <summary>Where a leaf ends, which is where the next one begins.</summary>
    public int End(int leaf)
    {
        int end = _end7;
        if (leaf == 0)
        {
            end = _end0;
        }

        if (leaf == 1)
        {
            end = _end1;
        }

        if (leaf == 2)
        {
            end = _end2;
        }

        if (leaf == 3)
        {
            end = _end3;
        }

        if (leaf == 4)
        {
            end = _end4;
        }

        if (leaf == 5)
        {
            end = _end5;
        }

        if (leaf == 6)
        {
            end = _end6;
        }

        return end;
    }
}

/// <summary>How a kernel adds up: a type parameter, so that sums of one leaf pay nothing for trees.</summary>
internal interface ISumOrder
{
    /// <summary>Whether there may be more than one leaf.</summary>
    static abstract bool IsTree { get; }
}

/// <summary>One leaf.</summary>
internal readonly struct OneLeaf : ISumOrder
{
    public static bool IsTree => false;
}

/// <summary>The leaves of <see cref="SumLeaves"/>.</summary>
internal readonly struct LeafTree : ISumOrder
{
    public static bool IsTree => true;
}

/// <summary>
/// Adds numbers as a balanced tree while they come one after another: a number waits for its neighbour, their sum for the sum of the next
/// two.
/// </summary>
internal struct NumberTree
{
    private float _one;
    private float _two;
    private float _four;

    /// <summary>Takes the next number.</summary>
    /// <param name="leaf">Its place, from 0.</param>
    /// <param name="value">The number.</param>
    /// <returns>What it completes: behind the last of 1, 2, 4 or 8 the whole sum.</returns>
    public float Add(int leaf, float value)
    {
        float sum = value;
        if ((leaf & 1) == 0)
        {
            _one = sum;
        }
        else
        {
            sum = _one + sum;
            if ((leaf & 2) == 0)
            {
                _two = sum;
            }
            else
            {
                sum = _two + sum;
                if ((leaf & 4) == 0)
                {
                    _four = sum;
                }
                else
                {
                    sum = _four + sum;
                }
            }
        }

        return sum;
    }
}

/// <summary>The same for 16 numbers at a time.</summary>
internal struct TileTree
{
    private Tile16 _one;
    private Tile16 _two;
    private Tile16 _four;

    /// <inheritdoc cref="NumberTree.Add"/>
    public Tile16 Add(int leaf, Tile16 value)
    {
        Tile16 sum = value;
        if ((leaf & 1) == 0)
        {
            _one = sum;
        }
        else
        {
            sum.Add(_one);
            if ((leaf & 2) == 0)
            {
                _two = sum;
            }
            else
            {
                sum.Add(_two);
                if ((leaf & 4) == 0)
                {
                    _four = sum;
                }
                else
                {
                    sum.Add(_four);
                }
            }
        }

        return sum;
    }
}
