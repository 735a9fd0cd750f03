using SLoRA.Backends.Cpu;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>
/// A block of random scores and values in the scratch memory of attention, for some rows that begin before, in or behind it. Every third
/// query has seen nothing yet; the others have sums of 2 and weights of 1 in each lane.
/// </summary>
internal sealed unsafe class RandomBlock : IDisposable
{
    /// <summary>What every column has so far.</summary>
    public const float Sum = 2;

    private const int Start = 128;
    private readonly AlignedMemory _memory;
    private readonly Sight _sight;

    /// <summary>Makes one of random shape.</summary>
    public RandomBlock(Random random, int columns)
        : this(random, columns, Any(random), random.Next(2) == 0 ? new Sight(random.Next(1, 100)) : default)
    {
    }

    /// <summary>Makes one for rows that see the whole past; positions of the task count from the block's first.</summary>
    public RandomBlock(Random random, int columns, AttentionTask task)
        : this(random, columns, task with { FirstPosition = Start + task.FirstPosition }, default)
    {
    }

    private RandomBlock(Random random, int columns, AttentionTask task, Sight sight)
    {
        Task = task;
        _sight = sight;
        _memory = new AlignedMemory(sizeof(float) * AttentionScratch.FloatsFor(task.Queries, columns));
        Scratch = new AttentionScratch(_memory.Floats, task.Queries, columns);
        Seen = new BlockSight(sight, task, Start);
        Fill(random, Scratch.Scores, task.Queries * 64, 10);
        Fill(random, Scratch.Values, columns * 64, 1);
        Fill(random, Scratch.KeyScales, 64, 1);
        Fill(random, Scratch.ValueScales, 64, 1);
        for (int q = 0; q < task.Queries; q++)
        {
            Scratch.Maxima[q] = q % 3 == 0 ? float.NegativeInfinity : (float)((random.NextDouble() * 4) - 2);
        }

        new Span<float>(Scratch.Sums, task.Queries * columns).Fill(Sum);
        new Span<float>(Scratch.Weights, task.Queries * 16).Fill(1);
    }

    /// <summary>The rows.</summary>
    public AttentionTask Task { get; }

    /// <summary>What they see.</summary>
    public BlockSight Seen { get; }

    /// <summary>The memory.</summary>
    public AttentionScratch Scratch { get; }

    /// <summary>The positions of the block that a row sees, found one by one.</summary>
    public int[] SeenBy(int row) =>
    [
        .. Enumerable.Range(0, 64).Where(i =>
            Start + i <= Task.FirstPosition + row && Start + i >= _sight.FirstVisible(Task.FirstPosition + row)),
    ];

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private static AttentionTask Any(Random random)
    {
        int position = Start + random.Next(-10, 120);
        int rows = Math.Max(1, random.Next(1, 24) + Math.Max(0, Start - position));
        return new AttentionTask(0, rows, position, 0, 0, 0, random.Next(1, 6), 0, 1, -1);
    }

    private static void Fill(Random random, float* to, int count, float size)
    {
        for (int i = 0; i < count; i++)
        {
            to[i] = (float)((random.NextDouble() * 2) - 1) * size;
        }
    }
}
