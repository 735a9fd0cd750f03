using SLoRA.Requests;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>The logits that choose some of a case's greedy tokens, and how far the engine's are from them.</summary>
internal sealed class RecordedSteps : LogitsTap
{
    private readonly float[] _logits;
    private readonly int[] _positions;

    /// <param name="logits">A row of the vocabulary per step.</param>
    /// <param name="promptLength">Tokens of the prompt.</param>
    /// <param name="steps">Indices of greedy tokens.</param>
    public RecordedSteps(float[] logits, int promptLength, int[] steps)
    {
        _logits = logits;
        _positions = [.. steps.Select(step => promptLength - 1 + step)];
        Missing = [.. _positions];
    }

    public float LargestError { get; private set; }

    public SortedSet<int> Missing { get; }

    public override void Take(int position, ReadOnlySpan<float> logits)
    {
        int row = Array.IndexOf(_positions, position);
        if (row >= 0)
        {
            Missing.Remove(position);
            LargestError = MathF.Max(LargestError, LogitErrors.Largest(logits, _logits.AsSpan(row * logits.Length, logits.Length)));
        }
    }
}
