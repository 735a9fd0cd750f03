using SLoRA.Requests;

namespace SLoRA.Fidelity.Tests;

/// <summary>The logits of one case as Hugging Face computes them, and how far the engine's are from them.</summary>
internal sealed class ExpectedLogits : LogitsTap
{
    private readonly float[] _prompt;
    private readonly float[] _steps;
    private readonly int _promptLength;
    private readonly int _vocabulary;

    public ExpectedLogits(string file, FixtureCase fixture)
    {
        _promptLength = fixture.Prompt.Length;
        var tensors = new TensorFile(file);
        _prompt = tensors.Floats(fixture.PromptLogits!);
        _steps = tensors.Floats(fixture.StepLogits!);
        _vocabulary = _prompt.Length / _promptLength;
        Missing = [.. Enumerable.Range(0, _promptLength + fixture.Greedy.Length - 1)];
    }

    public override bool WholePrompt => true;

    public float LargestError { get; private set; }

    /// <summary>Positions that have not been seen.</summary>
    public SortedSet<int> Missing { get; }

    public override void Take(int position, ReadOnlySpan<float> logits)
    {
        Missing.Remove(position);
        if (position < _promptLength)
        {
            Compare(logits, _prompt.AsSpan(position * _vocabulary, _vocabulary));
        }

        int step = position - _promptLength + 1;
        if (step >= 0)
        {
            Compare(logits, _steps.AsSpan(step * _vocabulary, _vocabulary));
        }
    }

    private void Compare(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            float error = MathF.Abs(actual[i] - expected[i]);
            LargestError = float.IsNaN(error) ? float.PositiveInfinity : MathF.Max(LargestError, error);
        }
    }
}
