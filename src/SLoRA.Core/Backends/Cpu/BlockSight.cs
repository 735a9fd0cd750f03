using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Which positions of a block of 64 the rows of a task see: later rows see further, and under a window no longer from the start.
/// </summary>
internal readonly struct BlockSight
{
    private readonly Sight _sight;
    private readonly int _position;
    private readonly int _start;

    /// <summary>Finds it out.</summary>
    /// <param name="sight">What rows see.</param>
    /// <param name="task">The rows.</param>
    /// <param name="start">The block's first position.</param>
    public BlockSight(Sight sight, in AttentionTask task, int start)
    {
        _sight = sight;
        _position = task.FirstPosition;
        _start = start;
        FirstRow = Math.Clamp(start - _position, 0, task.Rows);
        EndRow = task.Rows;
        while (EndRow > FirstRow && sight.FirstVisible(_position + EndRow - 1) >= start + AttentionScratch.Block)
        {
            EndRow--;
        }

        IsAlike = EndRow - FirstRow <= 1 || Of(FirstRow) == Of(EndRow - 1);
    }

    /// <summary>The first row that sees a position.</summary>
    public int FirstRow { get; }

    /// <summary>Behind the last row that does.</summary>
    public int EndRow { get; }

    /// <summary>Whether all of these rows see the same.</summary>
    public bool IsAlike { get; }

    /// <summary>The positions of the block that one of these rows sees.</summary>
    public (int From, int To) Of(int row)
    {
        int position = _position + row;
        return (Math.Max(0, _sight.FirstVisible(position) - _start), Math.Min(AttentionScratch.Block, position + 1 - _start));
    }
}
