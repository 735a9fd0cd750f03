using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Cuts the attention of a step into tasks. A task is some rows of a sequence and one KV head, so that its queries share the keys and
/// values they read. Where that gives the threads too little to share, long contexts are cut at segment borders as well: the same sums are
/// merged in the same order then, only later.
/// </summary>
internal sealed class AttentionTasks
{
    // Few queries leave every thread its share.
    private const int FewQueries = 16;
    private const int TasksPerWorker = 4;

    private readonly int _workers;
    private readonly int _manyQueries;
    private AttentionTask[] _tasks = new AttentionTask[64];
    private AttentionTask[] _merges = new AttentionTask[16];
    private int _count;
    private int _mergeCount;

    /// <summary>Cuts nothing yet.</summary>
    /// <param name="workers">Threads that share the tasks.</param>
    /// <param name="manyQueries">So many queries share what a block costs, where there are enough tasks for all threads.</param>
    public AttentionTasks(int workers, int manyQueries = 96)
    {
        _workers = workers;
        _manyQueries = manyQueries;
    }

    /// <summary>The tasks, shortest contexts first.</summary>
    public ReadOnlySpan<AttentionTask> Tasks => _tasks.AsSpan(0, _count);

    /// <summary>
    /// What was cut at segments: all segments of some rows and one KV head, with the place of the first segment's partial results.
    /// </summary>
    public ReadOnlySpan<AttentionTask> Merges => _merges.AsSpan(0, _mergeCount);

    /// <summary>Queries of the largest task.</summary>
    public int Queries { get; private set; }

    /// <summary>Queries with partial results.</summary>
    public int Partials { get; private set; }

    /// <summary>Cuts the step for a layer.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="attention">What the layer computes.</param>
    /// <param name="tables">The group of layers whose page tables it reads.</param>
    public void Cut(StepPlan plan, GroupedAttention attention, int tables = 0)
    {
        int group = attention.HeadsPerKey;
        int wanted = _workers * TasksPerWorker;
        int queries = _manyQueries;
        while (queries > FewQueries && Blocks(plan, Math.Max(1, queries / group)) * attention.KeyValueHeads < wanted)
        {
            queries = Math.Max(FewQueries, queries / 2);
        }

        int rowsPerTask = Math.Max(1, queries / group);

        Queries = rowsPerTask * group;
        _count = 0;
        _mergeCount = 0;
        Partials = 0;
        bool cutSegments = _workers > 1 && Blocks(plan, rowsPerTask) * attention.KeyValueHeads < wanted;
        foreach (StepSlice slice in plan.Slices)
        {
            int table = plan.TableStart(slice, tables);
            for (int row = 0; row < slice.RowCount; row += rowsPerTask)
            {
                int rows = Math.Min(rowsPerTask, slice.RowCount - row);
                int position = slice.FirstPosition + row;
                int first = attention.FirstVisible(position) / AttentionJob.Segment;
                int segments = ((position + rows - 1) / AttentionJob.Segment) - first + 1;
                for (int head = 0; head < attention.KeyValueHeads; head++)
                {
                    (int query, int endQuery) = attention.HeadsOf(head);
                    var whole = new AttentionTask(
                        slice.FirstRow + row, rows, position, table, head, query, endQuery - query, first, segments, -1);
                    if (cutSegments && segments > 1)
                    {
                        Cut(whole, whole.Queries);
                    }
                    else
                    {
                        Append(ref _tasks, ref _count, whole);
                    }
                }
            }
        }
    }

    private static int Blocks(StepPlan plan, int rowsPerTask)
    {
        int blocks = 0;
        foreach (StepSlice slice in plan.Slices)
        {
            blocks += (slice.RowCount + rowsPerTask - 1) / rowsPerTask;
        }

        return blocks;
    }

    private void Cut(AttentionTask whole, int queries)
    {
        Append(ref _merges, ref _mergeCount, whole with { Partial = Partials });
        for (int i = 0; i < whole.Segments; i++)
        {
            Append(ref _tasks, ref _count, whole with { FirstSegment = whole.FirstSegment + i, Segments = 1, Partial = Partials });
            Partials += queries;
        }
    }

    private static void Append(ref AttentionTask[] tasks, ref int count, AttentionTask task)
    {
        if (count == tasks.Length)
        {
            Array.Resize(ref tasks, 2 * tasks.Length);
        }

        tasks[count++] = task;
    }
}
