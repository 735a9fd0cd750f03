namespace SLoRA.Backends.Cpu;

/// <summary>The query heads that share one KV head, for some consecutive rows of one sequence.</summary>
/// <param name="FirstRow">First row of the step.</param>
/// <param name="Rows">Rows.</param>
/// <param name="FirstPosition">Position of the first row.</param>
/// <param name="TableStart">Where the sequence's page table begins, see <see cref="Step.StepPlan.TableStart"/>.</param>
/// <param name="Head">The KV head.</param>
/// <param name="FirstQuery">The first of the query heads.</param>
/// <param name="Group">Query heads.</param>
/// <param name="FirstSegment">First segment of positions.</param>
/// <param name="Segments">Segments. A task that does not have all of its rows' leaves partial results.</param>
/// <param name="Partial">Where the partial results go, counted in queries; −1 for results.</param>
internal readonly record struct AttentionTask(
    int FirstRow,
    int Rows,
    int FirstPosition,
    int TableStart,
    int Head,
    int FirstQuery,
    int Group,
    int FirstSegment,
    int Segments,
    int Partial)
{
    /// <summary>Queries: the heads of all rows.</summary>
    public int Queries => Rows * Group;
}
