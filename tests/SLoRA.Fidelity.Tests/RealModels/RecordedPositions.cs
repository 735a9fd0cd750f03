using SLoRA.Requests;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>
/// What is recorded of a long case, and how far the engine is from it: after some tokens of prompt and answer the largest logits and log Σ
/// exp of all; after the prompt's last all logits.
/// </summary>
internal sealed class RecordedPositions : LogitsTap
{
    private readonly int[] _positions;
    private readonly int _lastOfPrompt;
    private readonly int[] _topIds;
    private readonly float[] _topLogits;
    private readonly float[] _logSumExp;
    private readonly float[] _first;
    private readonly double[] _scratch;

    public RecordedPositions(TensorFile tensors, ReferenceCase expected)
    {
        _positions = expected.Positions;
        _lastOfPrompt = expected.PromptIds.Length - 1;
        _topIds = tensors.Integers($"{expected.Name}.top_ids");
        _topLogits = tensors.Floats($"{expected.Name}.top_logits");
        _logSumExp = tensors.Floats($"{expected.Name}.logsumexp");
        _first = tensors.Floats($"{expected.Name}.first");
        _scratch = new double[_first.Length];
        Missing = [.. _positions, _lastOfPrompt];
    }

    public override bool WholePrompt => true;

    /// <summary>Of the largest logits and those that choose the first token.</summary>
    public float LargestError { get; private set; }

    public double LargestLogSumExpError { get; private set; }

    public SortedSet<int> Missing { get; }

    public override void Take(int position, ReadOnlySpan<float> logits)
    {
        if (!Missing.Remove(position))
        {
            return;
        }

        if (position == _lastOfPrompt)
        {
            Note(LogitErrors.Largest(logits, _first));
        }

        int row = Array.IndexOf(_positions, position);
        if (row >= 0)
        {
            int top = _topIds.Length / _positions.Length;
            for (int i = row * top; i < (row + 1) * top; i++)
            {
                Note(MathF.Abs(logits[_topIds[i]] - _topLogits[i]));
            }

            double error = Math.Abs(LogitErrors.LogSumExp(logits, _scratch) - _logSumExp[row]);
            LargestLogSumExpError = double.IsNaN(error) ? double.PositiveInfinity : Math.Max(LargestLogSumExpError, error);
        }
    }

    private void Note(float error) => LargestError = float.IsNaN(error) ? float.PositiveInfinity : MathF.Max(LargestError, error);
}
