using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>A number of each of a lane's two queries.</summary>
internal struct QueryNumbers
{
    public float Upper;
    public float Lower;
}

/// <summary>How what a lane has summed so far meets what comes behind: by the largest scores of both.</summary>
internal struct QueryMerge
{
    public float UpperFactor;
    public float LowerFactor;
    public bool UpperGrows;
    public bool LowerGrows;
    public bool UpperHas;
    public bool LowerHas;

    /// <summary>
    /// From the largest scores so far, and the largest and the weights of what comes behind; weights of 0 are those of nothing seen, which
    /// changes nothing. (The largest of scores that are all NaN is −∞ as well, their weights are NaN.)
    /// </summary>
    public static QueryMerge Of(QueryNumbers largest, QueryNumbers next, QueryNumbers weights)
    {
        QueryMerge merge;
        merge.UpperGrows = next.Upper > largest.Upper;
        merge.LowerGrows = next.Lower > largest.Lower;
        merge.UpperHas = weights.Upper != 0;
        merge.LowerHas = weights.Lower != 0;
        merge.UpperFactor = AttentionKernels.Factor(largest.Upper, next.Upper, merge.UpperGrows);
        merge.LowerFactor = AttentionKernels.Factor(largest.Lower, next.Lower, merge.LowerGrows);
        return merge;
    }

    /// <summary>A sum of either query with what comes behind.</summary>
    public readonly QueryNumbers Sum(QueryNumbers sum, QueryNumbers next)
    {
        sum.Upper = Upper(sum.Upper, next.Upper);
        sum.Lower = Lower(sum.Lower, next.Lower);
        return sum;
    }

    /// <summary>The larger of the largest scores.</summary>
    public readonly QueryNumbers Larger(QueryNumbers largest, QueryNumbers next)
    {
        largest.Upper = UpperGrows ? next.Upper : largest.Upper;
        largest.Lower = LowerGrows ? next.Lower : largest.Lower;
        return largest;
    }

    /// <summary>The same of two columns of both.</summary>
    public readonly Floats4 Sum(Floats4 sum, Floats4 next)
    {
        sum.X = Upper(sum.X, next.X);
        sum.Y = Upper(sum.Y, next.Y);
        sum.Z = Lower(sum.Z, next.Z);
        sum.W = Lower(sum.W, next.W);
        return sum;
    }

    /// <summary>The same of sixteen.</summary>
    public readonly UnitSums Sum(UnitSums sum, UnitSums next)
    {
        sum.Columns0.Left = Sum(sum.Columns0.Left, next.Columns0.Left);
        sum.Columns0.Right = Sum(sum.Columns0.Right, next.Columns0.Right);
        sum.Columns2.Left = Sum(sum.Columns2.Left, next.Columns2.Left);
        sum.Columns2.Right = Sum(sum.Columns2.Right, next.Columns2.Right);
        sum.Columns4.Left = Sum(sum.Columns4.Left, next.Columns4.Left);
        sum.Columns4.Right = Sum(sum.Columns4.Right, next.Columns4.Right);
        sum.Columns6.Left = Sum(sum.Columns6.Left, next.Columns6.Left);
        sum.Columns6.Right = Sum(sum.Columns6.Right, next.Columns6.Right);
        return sum;
    }

    private readonly float Upper(float sum, float next)
    {
        float merged = AttentionKernels.Merged(sum, next, UpperFactor, UpperGrows);
        return UpperHas ? merged : sum;
    }

    private readonly float Lower(float sum, float next)
    {
        float merged = AttentionKernels.Merged(sum, next, LowerFactor, LowerGrows);
        return LowerHas ? merged : sum;
    }
}

/// <summary>
/// What a warp computes of 16 queries and a block of 64 positions: scores, weights, weighted values. It stays in registers, since the sums
/// of one product are the left side of the next.
/// </summary>
/// <remarks>
/// Queries and weights are left sides, as sums of three bfloat16 terms; keys and values right ones, in loads of 16 bytes, of integers of
/// 8. Scores are eight tiles of eight keys: runs of 32 columns ascend, in a run the terms of the keys, of each those of the queries.
/// Weights are summed by lanes, tiles ascending, then over lanes. Values are added 16 positions at a time, ascending, of each the terms of
/// the values, and within them those of the weights.
/// </remarks>
internal static class TensorAttention
{
    /// <summary>Queries of a tile.</summary>
    public const int Slots = 16;

    /// <summary>2 to this are the positions of a block.</summary>
    public const int BlockLog2 = 6;

    /// <summary>Positions of a block: a warp's part of a split.</summary>
    public const int Block = 1 << BlockLog2;

    /// <summary>Columns whose values a warp adds up together.</summary>
    public const int Columns = 64;

    /// <summary>The widest head.</summary>
    public const int LargestHead = 256;

    /// <summary>Positions whose values are added together.</summary>
    private const int Step = 16;

    /// <summary>2⁶⁴ in bfloat16.</summary>
    private const uint Large = 0x5F80u;
    private const uint TwiceLarge = Large | (Large << 16);

    /// <summary>
    /// Scores of the block's positions, by pairs of tiles of keys; −∞ where a query does not see one. The head's keys begin in a page at
    /// unit <paramref name="head"/>.
    /// </summary>
    public static Sums16x64 Score<TStored, TElements>(
        ArrayView<float> qkv, ArrayView<TStored> pool, ArrayView<int> pages, CacheBlocks blocks, CacheRange range, QueryPair queries,
        int begin, int head, AttentionShape shape)
        where TStored : unmanaged
        where TElements : struct, ICacheElements<TStored>
    {
        Sums16x64 scores = Products<TStored, TElements>(qkv, pool, pages, blocks, range, queries, begin, head, shape.Cache.HeadDim);
        int position = begin + ((Group.IdxX & 3) << 1);
        if (TElements.HasScales)
        {
            scores.Columns0 = Scaled<TStored, TElements>(scores.Columns0, pool, pages, blocks, range, position, head);
            scores.Columns16 = Scaled<TStored, TElements>(scores.Columns16, pool, pages, blocks, range, position + 16, head);
            scores.Columns32 = Scaled<TStored, TElements>(scores.Columns32, pool, pages, blocks, range, position + 32, head);
            scores.Columns48 = Scaled<TStored, TElements>(scores.Columns48, pool, pages, blocks, range, position + 48, head);
        }

        scores.Columns0 = Finish(scores.Columns0, shape);
        scores.Columns16 = Finish(scores.Columns16, shape);
        scores.Columns32 = Finish(scores.Columns32, shape);
        scores.Columns48 = Finish(scores.Columns48, shape);
        if (!range.AllSee(begin, Block))
        {
            scores.Columns0 = Seen(scores.Columns0, position, queries, float.NegativeInfinity);
            scores.Columns16 = Seen(scores.Columns16, position + 16, queries, float.NegativeInfinity);
            scores.Columns32 = Seen(scores.Columns32, position + 32, queries, float.NegativeInfinity);
            scores.Columns48 = Seen(scores.Columns48, position + 48, queries, float.NegativeInfinity);
        }

        return scores;
    }

    /// <summary>The largest score of each query.</summary>
    public static QueryNumbers Largest(Sums16x64 scores)
    {
        Floats4 most = Larger(Larger(scores.Columns0), Larger(scores.Columns16));
        most = Larger(most, Larger(Larger(scores.Columns32), Larger(scores.Columns48)));
        float upper = MathF.Max(most.X, most.Y);
        float lower = MathF.Max(most.Z, most.W);
        upper = MathF.Max(upper, WarpExchange.OfLane(upper, 1));
        lower = MathF.Max(lower, WarpExchange.OfLane(lower, 1));
        QueryNumbers largest;
        largest.Upper = MathF.Max(upper, WarpExchange.OfLane(upper, 2));
        largest.Lower = MathF.Max(lower, WarpExchange.OfLane(lower, 2));
        return largest;
    }

    /// <summary><c>e^(score − largest)</c>, 0 where a query sees nothing of the block.</summary>
    public static Sums16x64 Weigh(Sums16x64 scores, QueryNumbers largest)
    {
        largest.Upper = AttentionKernels.Origin(largest.Upper);
        largest.Lower = AttentionKernels.Origin(largest.Lower);
        scores.Columns0 = Weigh(scores.Columns0, largest);
        scores.Columns16 = Weigh(scores.Columns16, largest);
        scores.Columns32 = Weigh(scores.Columns32, largest);
        scores.Columns48 = Weigh(scores.Columns48, largest);
        return scores;
    }

    /// <summary>The sum of the weights of each query.</summary>
    public static QueryNumbers Total(Sums16x64 weights)
    {
        Floats4 total = Add(Add(weights.Columns0), Add(weights.Columns16));
        total = Add(total, Add(Add(weights.Columns32), Add(weights.Columns48)));
        float upper = total.X + total.Y;
        float lower = total.Z + total.W;
        upper += WarpExchange.OfLane(upper, 1);
        lower += WarpExchange.OfLane(lower, 1);
        QueryNumbers sums;
        sums.Upper = upper + WarpExchange.OfLane(upper, 2);
        sums.Lower = lower + WarpExchange.OfLane(lower, 2);
        return sums;
    }

    /// <summary>
    /// Weighted values of the block, of 64 columns from one on. The head's values begin in a page at unit <paramref name="head"/>.
    /// </summary>
    public static UnitSums Values<TStored, TElements>(
        ArrayView<TStored> pool, ArrayView<int> pages, CacheBlocks blocks, CacheRange range, QueryPair queries, Sums16x64 weights,
        int begin, int head, int firstColumn, int d)
        where TStored : unmanaged
        where TElements : struct, ICacheElements<TStored>
    {
        int lane = Group.IdxX & 31;
        int unit = (firstColumn >> 3) + (lane >> 2);
        unit = unit < d >> 3 ? unit : 0;
        int position = begin + ((lane & 3) << 1);
        var sums = default(UnitSums);
        sums = Add<TStored, TElements>(sums, pool, pages, blocks, range, queries, weights.Columns0, position, head, unit);
        sums = Add<TStored, TElements>(sums, pool, pages, blocks, range, queries, weights.Columns16, position + 16, head, unit);
        sums = Add<TStored, TElements>(sums, pool, pages, blocks, range, queries, weights.Columns32, position + 32, head, unit);
        return Add<TStored, TElements>(sums, pool, pages, blocks, range, queries, weights.Columns48, position + 48, head, unit);
    }

    private static Sums16x64 Products<TStored, TElements>(
        ArrayView<float> qkv, ArrayView<TStored> pool, ArrayView<int> pages, CacheBlocks blocks, CacheRange range, QueryPair queries,
        int begin, int head, int d)
        where TStored : unmanaged
        where TElements : struct, ICacheElements<TStored>
    {
        int lane = Group.IdxX & 31;
        int first = begin + (lane >> 2);
        long key0 = KeyOf(pages, blocks, range, first, head);
        long key8 = KeyOf(pages, blocks, range, first + 8, head);
        long key16 = KeyOf(pages, blocks, range, first + 16, head);
        long key24 = KeyOf(pages, blocks, range, first + 24, head);
        long key32 = KeyOf(pages, blocks, range, first + 32, head);
        long key40 = KeyOf(pages, blocks, range, first + 40, head);
        long key48 = KeyOf(pages, blocks, range, first + 48, head);
        long key56 = KeyOf(pages, blocks, range, first + 56, head);
        ArrayView<Floats4> fours = qkv.Cast<Floats4>();
        var scores = default(Sums16x64);
        for (int run = 0; LoopRegisters.Rolled(run) < d; run += TensorProductKernels.Run)
        {
            // Where a head ends within a run, queries are zeros.
            int column = run + ((lane & 3) << 3);
            bool has = column < d;
            column = has ? column : 0;
            int unit = column >> 3;

            // The keys of all tiles are under way before the first is used.
            Words4 tile0 = TElements.Load(pool, key0 + unit);
            Words4 tile8 = TElements.Load(pool, key8 + unit);
            Words4 tile16 = TElements.Load(pool, key16 + unit);
            Words4 tile24 = TElements.Load(pool, key24 + unit);
            Words4 tile32 = TElements.Load(pool, key32 + unit);
            Words4 tile40 = TElements.Load(pool, key40 + unit);
            Words4 tile48 = TElements.Load(pool, key48 + unit);
            Words4 tile56 = TElements.Load(pool, key56 + unit);
            long upper = (queries.Upper + column) >> 2;
            long lower = (queries.Lower + column) >> 2;
            var upperTerms = new ActivationTerms(fours[upper], fours[upper + 1], has && queries.HasUpper);
            var lowerTerms = new ActivationTerms(fours[lower], fours[lower + 1], has && queries.HasLower);
            Words4 upper0 = upperTerms.Take();
            Words4 lower0 = lowerTerms.Take();
            Words4 upper1 = upperTerms.Take();
            Words4 lower1 = lowerTerms.Take();
            Words4 upper2 = upperTerms.Take();
            Words4 lower2 = lowerTerms.Take();
            scores.Columns0 = Multiply<TStored, TElements>(
                scores.Columns0, upper0, lower0, upper1, lower1, upper2, lower2, tile0, tile8);
            scores.Columns16 = Multiply<TStored, TElements>(
                scores.Columns16, upper0, lower0, upper1, lower1, upper2, lower2, tile16, tile24);
            scores.Columns32 = Multiply<TStored, TElements>(
                scores.Columns32, upper0, lower0, upper1, lower1, upper2, lower2, tile32, tile40);
            scores.Columns48 = Multiply<TStored, TElements>(
                scores.Columns48, upper0, lower0, upper1, lower1, upper2, lower2, tile48, tile56);
        }

        return scores;
    }

    /// <summary>Two tiles of keys, term by term, with all terms of the queries.</summary>
    private static Sums16x16 Multiply<TStored, TElements>(
        Sums16x16 sums, Words4 upper0, Words4 lower0, Words4 upper1, Words4 lower1, Words4 upper2, Words4 lower2, Words4 left, Words4 right)
        where TStored : unmanaged
        where TElements : struct, ICacheElements<TStored>
    {
        Sums16x16 total = Multiply(
            sums, upper0, lower0, upper1, lower1, upper2, lower2, TElements.First(left), TElements.First(right));
        if (TElements.Terms > 1)
        {
            total = Multiply(
                total, upper0, lower0, upper1, lower1, upper2, lower2, TElements.Second(left), TElements.Second(right));
        }

        return total;
    }

    private static Sums16x16 Multiply(
        Sums16x16 sums, Words4 upper0, Words4 lower0, Words4 upper1, Words4 lower1, Words4 upper2, Words4 lower2, Words4 left, Words4 right)
    {
        Sums16x16 total = WarpProduct.MultiplyTerms(
            sums, TensorProductKernels.Even(upper0, lower0), TensorProductKernels.Even(upper1, lower1),
            TensorProductKernels.Even(upper2, lower2), new Words2(left.X, left.Y), new Words2(right.X, right.Y));
        return WarpProduct.MultiplyTerms(
            total, TensorProductKernels.Odd(upper0, lower0), TensorProductKernels.Odd(upper1, lower1),
            TensorProductKernels.Odd(upper2, lower2), new Words2(left.Z, left.W), new Words2(right.Z, right.W));
    }

    private static long KeyOf(ArrayView<int> pages, CacheBlocks blocks, CacheRange range, int position, int head) =>
        range.Page(pages, blocks, position) + (head + (blocks.Slot(position) * blocks.TokenUnits));

    /// <summary>Two tiles of scores, or of weights, times the scales of their positions.</summary>
    private static Sums16x16 Scaled<TStored, TElements>(
        Sums16x16 tiles, ArrayView<TStored> pool, ArrayView<int> pages, CacheBlocks blocks, CacheRange range, int position, int head)
        where TStored : unmanaged
        where TElements : struct, ICacheElements<TStored>
    {
        tiles.Left = Scaled<TStored, TElements>(tiles.Left, pool, pages, blocks, range, position, head);
        tiles.Right = Scaled<TStored, TElements>(tiles.Right, pool, pages, blocks, range, position + 8, head);
        return tiles;
    }

    private static Floats4 Scaled<TStored, TElements>(
        Floats4 tile, ArrayView<TStored> pool, ArrayView<int> pages, CacheBlocks blocks, CacheRange range, int position, int head)
        where TStored : unmanaged
        where TElements : struct, ICacheElements<TStored>
    {
        long page = range.Page(pages, blocks, position) + head;
        int word = blocks.ScaleWord + blocks.Slot(position);
        float scale = TElements.Scale(pool, page, word);
        float next = TElements.Scale(pool, page, word + 1);
        tile.X = RoundedNumbers.Product(tile.X, scale);
        tile.Y = RoundedNumbers.Product(tile.Y, next);
        tile.Z = RoundedNumbers.Product(tile.Z, scale);
        tile.W = RoundedNumbers.Product(tile.W, next);
        return tile;
    }

    private static Sums16x16 Finish(Sums16x16 products, AttentionShape shape)
    {
        products.Left = Finish(products.Left, shape);
        products.Right = Finish(products.Right, shape);
        return products;
    }

    private static Floats4 Finish(Floats4 products, AttentionShape shape)
    {
        Floats4 scores;
        scores.X = Finish(products.X, shape);
        scores.Y = Finish(products.Y, shape);
        scores.Z = Finish(products.Z, shape);
        scores.W = Finish(products.W, shape);
        return scores;
    }

    private static float Finish(float product, AttentionShape shape)
    {
        float score = RoundedNumbers.Product(product, shape.Scale);
        if (shape.Cap > 0)
        {
            score = RoundedNumbers.Product(shape.Cap, ElementKernels.Tanh(score / shape.Cap));
        }

        return score;
    }

    /// <summary>Two tiles, and another number wherever a query does not see the position.</summary>
    private static Sums16x16 Seen(Sums16x16 tiles, int position, QueryPair queries, float unseen)
    {
        tiles.Left = Seen(tiles.Left, position, queries, unseen);
        tiles.Right = Seen(tiles.Right, position + 8, queries, unseen);
        return tiles;
    }

    private static Floats4 Seen(Floats4 tile, int position, QueryPair queries, float unseen)
    {
        tile.X = queries.UpperSees(position) ? tile.X : unseen;
        tile.Y = queries.UpperSees(position + 1) ? tile.Y : unseen;
        tile.Z = queries.LowerSees(position) ? tile.Z : unseen;
        tile.W = queries.LowerSees(position + 1) ? tile.W : unseen;
        return tile;
    }

    private static Sums16x16 Weigh(Sums16x16 scores, QueryNumbers largest)
    {
        scores.Left = Weigh(scores.Left, largest);
        scores.Right = Weigh(scores.Right, largest);
        return scores;
    }

    private static Floats4 Weigh(Floats4 scores, QueryNumbers largest)
    {
        Floats4 weights;
        weights.X = MathF.Exp(scores.X - largest.Upper);
        weights.Y = MathF.Exp(scores.Y - largest.Upper);
        weights.Z = MathF.Exp(scores.Z - largest.Lower);
        weights.W = MathF.Exp(scores.W - largest.Lower);
        return weights;
    }

    private static Floats4 Larger(Sums16x16 scores) => Larger(scores.Left, scores.Right);

    private static Floats4 Larger(Floats4 a, Floats4 b)
    {
        a.X = MathF.Max(a.X, b.X);
        a.Y = MathF.Max(a.Y, b.Y);
        a.Z = MathF.Max(a.Z, b.Z);
        a.W = MathF.Max(a.W, b.W);
        return a;
    }

    private static Floats4 Add(Sums16x16 weights) => Add(weights.Left, weights.Right);

    private static Floats4 Add(Floats4 a, Floats4 b)
    {
        a.X += b.X;
        a.Y += b.Y;
        a.Z += b.Z;
        a.W += b.W;
        return a;
    }

    /// <summary>Adds the values of 16 positions, of which a lane has one, the next, and both eight further on.</summary>
    private static UnitSums Add<TStored, TElements>(
        UnitSums sums, ArrayView<TStored> pool, ArrayView<int> pages, CacheBlocks blocks, CacheRange range, QueryPair queries,
        Sums16x16 weights, int position, int head, int unit)
        where TStored : unmanaged
        where TElements : struct, ICacheElements<TStored>
    {
        long at = range.Page(pages, blocks, position) + (head + unit + (blocks.Slot(position) * blocks.TokenUnits));
        long at8 = range.Page(pages, blocks, position + 8) + (head + unit + (blocks.Slot(position + 8) * blocks.TokenUnits));
        Words4 row0 = TElements.Load(pool, at);
        Words4 row1 = TElements.Load(pool, at + blocks.TokenUnits);
        Words4 row8 = TElements.Load(pool, at8);
        Words4 row9 = TElements.Load(pool, at8 + blocks.TokenUnits);
        int first = position & ~7;
        if (!range.Has(first, Step))
        {
            // Nobody has written what is outside: it may be anything, which even a weight of 0 would not make a 0 of.
            row0 = Present(row0, range.Has(position));
            row1 = Present(row1, range.Has(position + 1));
            row8 = Present(row8, range.Has(position + 8));
            row9 = Present(row9, range.Has(position + 9));
        }

        if (TElements.HasScales)
        {
            weights = Scaled<TStored, TElements>(weights, pool, pages, blocks, range, position, head);
            if (!range.AllSee(first, Step))
            {
                weights = Seen(weights, position, queries, 0f);
            }
        }
        else if (range.Divides(first, Step))
        {
            sums = AddNotFinite(
                sums, Sight(queries, position), Sight(queries, position + 8), TElements.NotFinite(row0), TElements.NotFinite(row1),
                TElements.NotFinite(row8), TElements.NotFinite(row9));
            row0 = Without(row0, TElements.NotFinite(row0));
            row1 = Without(row1, TElements.NotFinite(row1));
            row8 = Without(row8, TElements.NotFinite(row8));
            row9 = Without(row9, TElements.NotFinite(row9));
        }

        var terms = new ActivationTerms(weights.Left, weights.Right, present: true);
        Words4 term0 = terms.Take();
        Words4 term1 = terms.Take();
        Words4 term2 = terms.Take();
        UnitSums total = WovenRows.AddTo(
            sums, term0, term1, term2, TElements.First(row0), TElements.First(row1), TElements.First(row8), TElements.First(row9));
        if (TElements.Terms > 1)
        {
            total = WovenRows.AddTo(
                total, term0, term1, term2, TElements.Second(row0), TElements.Second(row1), TElements.Second(row8),
                TElements.Second(row9));
        }

        return total;
    }

    /// <summary>
    /// Adds ∞ for every value that is not finite to the sums of those queries that see it, and nothing to the others: 2⁶⁴ times 2⁶⁴ is
    /// beyond fp32, where the value itself would make NaN of a weight of 0.
    /// </summary>
    private static UnitSums AddNotFinite(UnitSums sums, Words2 sight, Words2 sight8, Words4 row0, Words4 row1, Words4 row8, Words4 row9) =>
        WovenRows.AddTo(
            sums, new Words4(sight.X, sight.Y, sight8.X, sight8.Y), Beyond(row0), Beyond(row1), Beyond(row8), Beyond(row9));

    /// <summary>2⁶⁴ for each of a lane's two queries and two positions where the query sees the position, 0 where it does not.</summary>
    private static Words2 Sight(QueryPair queries, int position)
    {
        uint upper = queries.UpperSees(position) ? Large : 0u;
        uint lower = queries.LowerSees(position) ? Large : 0u;
        return new Words2(
            upper | (queries.UpperSees(position + 1) ? Large << 16 : 0u), lower | (queries.LowerSees(position + 1) ? Large << 16 : 0u));
    }

    private static Words4 Beyond(Words4 mask) =>
        new(mask.X & TwiceLarge, mask.Y & TwiceLarge, mask.Z & TwiceLarge, mask.W & TwiceLarge);

    private static Words4 Without(Words4 words, Words4 mask) =>
        new(words.X & ~mask.X, words.Y & ~mask.Y, words.Z & ~mask.Z, words.W & ~mask.W);

    private static Words4 Present(Words4 words, bool present) =>
        new(present ? words.X : 0u, present ? words.Y : 0u, present ? words.Z : 0u, present ? words.W : 0u);
}
