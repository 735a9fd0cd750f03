using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// The tasks of attention of a plan, see <see cref="AttentionKernels"/>: one per row; the single row of a decoding sequence gets one per
/// split, as long as there are places for their results, since one group would have to walk its whole context alone. Those come first. Rows
/// of the others are walks, too, several in each (<see cref="TensorAttentionKernels"/>).
/// </summary>
internal static class SplitTasks
{
    /// <summary>Ints of a merge: row, first place, places.</summary>
    public const int MergeInts = 3;

    /// <summary>Splits of single rows, the rows that they are of, and walks of the others.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="partialPlaces">Results of splits that there is room for.</param>
    public static (int Splits, int Merges, int Walks) Count(StepPlan plan, int partialPlaces)
    {
        int splits = 0;
        int merges = 0;
        int walks = 0;
        foreach (StepSlice slice in plan.Slices)
        {
            if (IsSplit(slice, splits, partialPlaces))
            {
                splits += SplitsOf(slice.FirstPosition);
                merges++;
            }
            else
            {
                walks += (slice.RowCount + TensorAttentionKernels.WalkRows - 1) / TensorAttentionKernels.WalkRows;
            }
        }

        return (splits, merges, walks);
    }

    /// <summary>
    /// Writes them. Those that there is room for besides are of row <see cref="AttentionKernels.NoRow"/>, or have no rows.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="partialPlaces">Results of splits that there is room for.</param>
    /// <param name="split">Room for tasks that are splits.</param>
    /// <param name="task">Room for tasks that are rows.</param>
    /// <param name="merge">Room for merges.</param>
    /// <param name="walk">Room for walks.</param>
    public static void Write(
        StepPlan plan, int partialPlaces, Span<int> split, Span<int> task, Span<int> merge, Span<int> walk)
    {
        int places = 0;
        foreach (StepSlice slice in plan.Slices)
        {
            if (IsSplit(slice, places, partialPlaces))
            {
                int splits = SplitsOf(slice.FirstPosition);
                (merge[0], merge[1], merge[2]) = (slice.FirstRow, places, splits);
                merge = merge[MergeInts..];
                for (int i = 0; i < splits; i++)
                {
                    (split[0], split[1], split[2], split[3]) = (slice.FirstRow, i, 1, places++);
                    split = split[AttentionKernels.TaskInts..];
                }

                continue;
            }

            for (int i = 0; i < slice.RowCount; i++)
            {
                (task[0], task[1], task[2], task[3]) = (slice.FirstRow + i, 0, SplitsOf(slice.FirstPosition + i), -1);
                task = task[AttentionKernels.TaskInts..];
            }

            for (int i = 0; i < slice.RowCount; i += TensorAttentionKernels.WalkRows)
            {
                (walk[0], walk[1]) = (slice.FirstRow + i, Math.Min(slice.RowCount - i, TensorAttentionKernels.WalkRows));
                walk = walk[TensorAttentionKernels.WalkInts..];
            }
        }

        split.Fill(AttentionKernels.NoRow);
        task.Fill(AttentionKernels.NoRow);
        merge.Fill(AttentionKernels.NoRow);
        walk.Clear();
    }

    private static bool IsSplit(StepSlice slice, int places, int partialPlaces) =>
        slice.RowCount == 1 && SplitsOf(slice.FirstPosition) is var splits and > 1 && places + splits <= partialPlaces;

    private static int SplitsOf(int position) => (position / AttentionKernels.Split) + 1;
}
