using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// The tasks of attention of a plan, see <see cref="AttentionKernels"/>: one per row; the single row of a decoding sequence gets one per
/// split, as long as there are places for their results, since one group would have to walk its whole context alone.
/// </summary>
internal static class SplitTasks
{
    /// <summary>Ints of a merge: row, first place, places.</summary>
    public const int MergeInts = 3;

    /// <summary>Tasks and merges of a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="partialPlaces">Results of splits that there is room for.</param>
    public static (int Tasks, int Merges) Count(StepPlan plan, int partialPlaces)
    {
        int tasks = plan.RowCount;
        int merges = 0;
        int places = 0;
        foreach (StepSlice slice in plan.Slices)
        {
            if (IsSplit(slice, places, partialPlaces))
            {
                places += SplitsOf(slice.FirstPosition);
                tasks += SplitsOf(slice.FirstPosition) - 1;
                merges++;
            }
        }

        return (tasks, merges);
    }

    /// <summary>Writes them; those that there is room for besides are of row <see cref="AttentionKernels.NoRow"/>.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="partialPlaces">Results of splits that there is room for.</param>
    /// <param name="task">Room for tasks.</param>
    /// <param name="merge">Room for merges.</param>
    public static void Write(StepPlan plan, int partialPlaces, Span<int> task, Span<int> merge)
    {
        int places = 0;
        foreach (StepSlice slice in plan.Slices)
        {
            int splits = SplitsOf(slice.FirstPosition);
            if (IsSplit(slice, places, partialPlaces))
            {
                (merge[0], merge[1], merge[2]) = (slice.FirstRow, places, splits);
                merge = merge[MergeInts..];
                for (int split = 0; split < splits; split++)
                {
                    (task[0], task[1], task[2], task[3]) = (slice.FirstRow, split, 1, places++);
                    task = task[AttentionKernels.TaskInts..];
                }

                continue;
            }

            for (int i = 0; i < slice.RowCount; i++)
            {
                (task[0], task[1], task[2], task[3]) = (slice.FirstRow + i, 0, SplitsOf(slice.FirstPosition + i), -1);
                task = task[AttentionKernels.TaskInts..];
            }
        }

        task.Fill(AttentionKernels.NoRow);
        merge.Fill(AttentionKernels.NoRow);
    }

    private static bool IsSplit(StepSlice slice, int places, int partialPlaces) =>
        slice.RowCount == 1 && SplitsOf(slice.FirstPosition) is var splits and > 1 && places + splits <= partialPlaces;

    private static int SplitsOf(int position) => (position / AttentionKernels.Split) + 1;
}
