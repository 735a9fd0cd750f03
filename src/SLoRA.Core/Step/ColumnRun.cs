namespace SLoRA.Step;

/// <summary>Columns that go from one place of a row to another: blocks at equal distances.</summary>
/// <param name="From">The first column of the first block.</param>
/// <param name="FromStride">Columns from one block to the next where they come from.</param>
/// <param name="To">Where the first block goes.</param>
/// <param name="ToStride">Columns from one block to the next where they go.</param>
/// <param name="Columns">Columns of a block.</param>
/// <param name="Blocks">Blocks.</param>
internal readonly record struct ColumnRun(int From, int FromStride, int To, int ToStride, int Columns, int Blocks)
{
    /// <summary>One block.</summary>
    public static ColumnRun Of(int from, int to, int columns) => new(from, columns, to, columns, columns, 1);
}
