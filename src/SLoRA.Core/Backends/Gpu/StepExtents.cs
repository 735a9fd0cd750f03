using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// How many of everything the launches of a step are made for: grids, and the arrays of the upload, have room for so many.
/// </summary>
/// <param name="Rows">Rows.</param>
/// <param name="Outputs">Output rows.</param>
/// <param name="Entries">Entries of the work list.</param>
/// <param name="Chunks">Chunks of the work list.</param>
/// <param name="ShrinkBlocks">Blocks of shrink.</param>
/// <param name="RankBlocks">Blocks of rank rows that the largest rank has.</param>
/// <param name="ExpandBlocks">Blocks of expand.</param>
/// <param name="Splits">Tasks of attention that are a split of a single row.</param>
/// <param name="RowTasks">Tasks of attention that are a row.</param>
/// <param name="Walks">Walks of attention.</param>
/// <param name="Merges">Merges of attention.</param>
/// <param name="Choices">Choices of tokens.</param>
/// <param name="Seen">Tokens that penalties look at.</param>
/// <param name="Biases">Tokens with a bias.</param>
internal readonly record struct StepExtents(
    int Rows, int Outputs, int Entries, int Chunks, int ShrinkBlocks, int RankBlocks, int ExpandBlocks, int Splits, int RowTasks, int Walks,
    int Merges, int Choices, int Seen, int Biases)
{
    /// <summary>As many as a plan has.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="directories">The directories of its adapters.</param>
    /// <param name="partialPlaces">Results of splits of attention that there is room for.</param>
    public static StepExtents Of(StepPlan plan, AdapterDirectories directories, int partialPlaces)
    {
        int shrink = 0;
        int ranks = 0;
        int expand = 0;
        foreach (WorkChunk chunk in plan.Lora.Chunks)
        {
            int own = directories.Of(chunk.Adapter).RankBlocks;
            shrink += own * Divide(chunk.Count, LoraKernels.BlockEntries);
            ranks = Math.Max(ranks, own);
            expand += Divide(chunk.Count, LoraKernels.ExpandEntries);
        }

        (int splits, int merges, int walks) = SplitTasks.Count(plan, partialPlaces);
        return new StepExtents(
            plan.RowCount, plan.OutputCount, plan.Lora.Entries.Length, plan.Lora.Chunks.Length, shrink, ranks, expand, splits,
            plan.RowCount - merges, walks, merges, plan.Choices.Items.Length, plan.Choices.Seen.Length, plan.Choices.BiasTokens.Length);
    }

    private static int Divide(int elements, int groups) => (elements + groups - 1) / groups;
}
