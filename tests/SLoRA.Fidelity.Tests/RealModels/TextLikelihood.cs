using SLoRA.Requests;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>−log p of every token of a text given those before it, natural logarithm, in fp64 from the engine's logits.</summary>
internal sealed class TextLikelihood(int[] ids) : LogitsTap
{
    private readonly double[] _values = [.. Enumerable.Repeat(double.NaN, ids.Length - 1)];
    private double[] _scratch = [];

    public override bool WholePrompt => true;

    /// <summary>The mean over the first <paramref name="count"/> predictions; NaN when one of them has not been seen.</summary>
    public double Mean(int count) => _values.Take(count).Average();

    public double Mean() => Mean(_values.Length);

    public override void Take(int position, ReadOnlySpan<float> logits)
    {
        if (position < _values.Length)
        {
            _scratch = _scratch.Length == logits.Length ? _scratch : new double[logits.Length];
            _values[position] = LogitErrors.LogSumExp(logits, _scratch) - logits[ids[position + 1]];
        }
    }
}
