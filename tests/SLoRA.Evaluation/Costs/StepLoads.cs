using SLoRA.Planning;
using SLoRA.Step;

namespace SLoRA.Evaluation.Costs;

/// <summary>Reads off plans what is in their steps.</summary>
internal static class StepLoads
{
    /// <summary>What is in the step of a plan.</summary>
    public static StepLoad Of(StepPlan plan)
    {
        long context = 0;
        foreach (int position in plan.Positions)
        {
            context += position + 1;
        }

        int adapters = 0;
        long rankRows = 0;
        long rankWork = 0;
        ResidentAdapter? last = null;
        foreach (WorkChunk chunk in plan.Lora.Chunks)
        {
            int rank = RankOf(chunk.Adapter.Directory);
            rankWork += (long)rank * chunk.Count;

            // Chunks of one adapter follow each other: requests have one adapter each.
            if (!ReferenceEquals(chunk.Adapter, last))
            {
                last = chunk.Adapter;
                adapters++;
                rankRows += rank;
            }
        }

        return new StepLoad(plan.RowCount, plan.OutputCount, context, adapters, rankRows, rankWork);
    }

    private static int RankOf(TileDirectory directory)
    {
        foreach (ModuleTiles? module in directory.Modules)
        {
            if (module is not null)
            {
                return module.Rank;
            }
        }

        return 0;
    }
}
