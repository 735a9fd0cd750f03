using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// One thread's working memory for attention: M queries at a time, d padded to D' (a multiple of 16), blocks of 64 positions.
/// </summary>
internal readonly unsafe struct AttentionScratch
{
    /// <summary>Positions of a block.</summary>
    public const int Block = 64;

    private readonly float* _memory;
    private readonly nint _queries;

    /// <summary>Lays the arrays out in memory of <see cref="FloatsFor"/> floats.</summary>
    public AttentionScratch(float* memory, int queries, int paddedDim)
    {
        _memory = memory;
        _queries = queries;
        PaddedDim = paddedDim;
    }

    /// <summary>D'.</summary>
    public nint PaddedDim { get; }

    /// <summary>Keys of the block as fp32, <c>[d][64]</c>.</summary>
    public float* Keys => _memory;

    /// <summary>Values of the block as fp32, <c>[64][D']</c>.</summary>
    public float* Values => Keys + (Block * PaddedDim);

    /// <summary>What the keys of the block are to be multiplied by, if they are integers, <c>[64]</c>.</summary>
    public float* KeyScales => Values + (Block * PaddedDim);

    /// <summary>What its values are to be multiplied by.</summary>
    public float* ValueScales => KeyScales + Block;

    /// <summary>The queries, by which scores are scaled, <c>[M][D']</c>.</summary>
    public float* Queries => ValueScales + Block;

    /// <summary>Scores, then weights of the block, <c>[M][64]</c>.</summary>
    public float* Scores => Queries + (_queries * PaddedDim);

    /// <summary>Weighted sum of values in this segment, <c>[M][D']</c>.</summary>
    public float* Sums => Scores + (_queries * Block);

    /// <summary>Weighted sum of values in all earlier segments, <c>[M][D']</c>.</summary>
    public float* TotalSums => Sums + (_queries * PaddedDim);

    /// <summary>Sum of weights in this segment, by lane, <c>[M][16]</c>.</summary>
    public float* Weights => TotalSums + (_queries * PaddedDim);

    /// <summary>Sum of weights in all earlier segments, <c>[M]</c>.</summary>
    public float* TotalWeights => Weights + (_queries * Lanes.Count);

    /// <summary>Largest score of this segment, <c>[M]</c>.</summary>
    public float* Maxima => TotalWeights + _queries;

    /// <summary>Largest score of all earlier segments, <c>[M]</c>.</summary>
    public float* TotalMaxima => Maxima + _queries;

    /// <summary>What the sums so far are multiplied by as the maxima change, <c>[M]</c>, with room for 16 at a time.</summary>
    public float* Factors => TotalMaxima + _queries;

    /// <summary>What a query has of all earlier segments.</summary>
    public SegmentSum Total(int query) => new(TotalMaxima + query, TotalWeights + query, TotalSums + (query * PaddedDim));

    /// <summary>Writes a part of a query, scaled.</summary>
    /// <param name="query">The query.</param>
    /// <param name="column">The part's first column.</param>
    /// <param name="from">Its numbers.</param>
    /// <param name="count">How many.</param>
    /// <param name="factor">What they are multiplied by.</param>
    public void LoadQuery(int query, int column, float* from, int count, float factor)
    {
        float* to = Queries + (query * PaddedDim) + column;
        int i = 0;
        for (; i + Lanes.Count <= count; i += Lanes.Count)
        {
            (Vector512.Load(from + i) * factor).Store(to + i);
        }

        for (; i < count; i++)
        {
            to[i] = from[i] * factor;
        }
    }

    /// <summary>Forgets what queries have of all segments.</summary>
    public void Begin(int queries) => new Span<float>(TotalMaxima, queries).Fill(float.NegativeInfinity);

    /// <summary>Begins a segment without any position.</summary>
    public void BeginSegment(int queries)
    {
        new Span<float>(Maxima, queries).Fill(float.NegativeInfinity);
        new Span<float>(Weights, queries * Lanes.Count).Clear();
        new Span<float>(Sums, queries * (int)PaddedDim).Clear();
    }

    /// <summary>Adds the segment to the earlier ones, or leaves it for the merge.</summary>
    /// <param name="task">The task.</param>
    /// <param name="columns">Columns of the sums, a multiple of 16.</param>
    /// <param name="partials">Where what is left goes.</param>
    public void EndSegment(in AttentionTask task, int columns, float* partials)
    {
        for (int query = 0; query < task.Queries; query++)
        {
            float* sums = Sums + (query * PaddedDim);
            float weights = Lanes.Sum(Vector512.Load(Weights + (query * Lanes.Count)));
            if (task.Partial < 0)
            {
                Total(query).Add(Maxima[query], weights, sums, columns);
            }
            else
            {
                AttentionMergeJob.Leave(partials, task.Partial + query, Maxima[query], weights, sums, columns);
            }
        }
    }

    /// <summary>Floats that one thread needs.</summary>
    public static long FloatsFor(int queries, int paddedDim)
        => (((2L * Block * (paddedDim + 1)) + (queries * ((3L * paddedDim) + Block + Lanes.Count + 4)) + Lanes.Count) + 15) & ~15L;
}
