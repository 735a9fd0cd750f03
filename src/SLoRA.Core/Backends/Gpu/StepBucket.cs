using System.Numerics;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// Steps of decoding rows that can be launched alike: their numbers of rows, blocks and tasks, rounded up. Rows that a step has less are
/// computed and belong to nobody; groups for which it has no work leave at once.
/// </summary>
/// <param name="Rows">Rows, output rows, and choices of tokens.</param>
/// <param name="Blocks">Blocks of shrink; 0 for steps without adapters.</param>
/// <param name="RankBlocks">Blocks of rank rows of the largest rank, where adapters of experts are launched for so many; else 0.</param>
/// <param name="Splits">Splits of long contexts; 0 where none has several, and then there is nothing to merge.</param>
/// <param name="Sampled">Tokens with penalties, and as many with biases; 0 for steps without either.</param>
internal readonly record struct StepBucket(int Rows, int Blocks, int RankBlocks, int Splits, int Sampled)
{
    /// <summary>Up to so many rows a bucket has a power of two of them, above it a multiple: one tile of products.</summary>
    private const int TileRows = 64;

    private const int FewestSampled = 64;

    /// <summary>
    /// Arrays and grids of every step of the bucket. One chunk more than there are rows, so that there is always one without entries, of
    /// which surplus blocks are.
    /// </summary>
    public StepExtents Extents => Blocks == 0
        ? new(Rows, Rows, 0, 0, 0, 0, 0, Splits, Rows, Rows, Merges, Rows, Sampled, Sampled)
        : new(Rows, Rows, Rows, Rows + 1, Blocks, RankBlocks, Rows, Splits, Rows, Rows, Merges, Rows, Sampled, Sampled);

    private int Merges => Splits > 0 ? Rows : 0;

    /// <summary>
    /// The bucket of a step in which every sequence has one row and wants its logits, and every row has one adapter at most, which does
    /// nothing but add B A; null for any other.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="extents">What it has.</param>
    /// <param name="rows">What rows there may be.</param>
    public static StepBucket? Of(StepPlan plan, in StepExtents extents, BucketRows rows)
    {
        int count = plan.RowCount;
        if (count == 0 || plan.Slices.Length != count || plan.OutputCount != count || plan.Lora.PlaceStarts.Length > 1
            || plan.Lora.HasChanges)
        {
            return null;
        }

        int rounded = !rows.AreRounded ? count
            : Math.Min(rows.Limit, count <= TileRows ? PowerOfTwo(count) : (count + TileRows - 1) / TileRows * TileRows);
        int sampled = Math.Max(extents.Seen, extents.Biases);
        return new StepBucket(
            rounded,
            extents.Chunks == 0 ? 0 : Math.Max(rounded, PowerOfTwo(extents.ShrinkBlocks)),
            rows.AreRounded ? 0 : PowerOfTwo(extents.RankBlocks),
            PowerOfTwo(extents.Splits),
            sampled == 0 ? 0 : Math.Max(FewestSampled, PowerOfTwo(sampled)));
    }

    private static int PowerOfTwo(int number) => (int)BitOperations.RoundUpToPowerOf2((uint)number);
}

/// <summary>What rows buckets may have.</summary>
/// <param name="Limit">The most that there is room for, as rows and as output rows.</param>
/// <param name="AreRounded">
/// Whether there may be rows of nobody. Not with experts, of which such a row would choose some, whose weights would be read; nor with
/// states and latents, whose kernels know of none.
/// </param>
internal readonly record struct BucketRows(int Limit, bool AreRounded);
