namespace SLoRA.Step;

/// <summary>A factor of queries that grows with their position: <c>1 + Beta · ln(1 + ⌊(position + Offset) / Length⌋)</c>.</summary>
/// <param name="Beta">How fast it grows.</param>
/// <param name="Length">Positions between two values, at least 1.</param>
/// <param name="Offset">What is added to positions, 0 or 1.</param>
internal sealed record PositionScale(float Beta, int Length, int Offset = 0)
{
    /// <summary>The factor at a position.</summary>
    public float At(int position) => 1 + (Beta * MathF.Log(1 + ((position + Offset) / Length)));
}
