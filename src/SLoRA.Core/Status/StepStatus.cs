namespace SLoRA;

/// <summary>One step.</summary>
/// <param name="Number">Its number, from 1; 0 when there was none yet.</param>
/// <param name="Rows">Tokens computed.</param>
/// <param name="DecodeRows">Those that were the only token of their sequence in the step.</param>
/// <param name="Sequences">Sequences that took part.</param>
/// <param name="Adapters">Distinct adapter contents that took part.</param>
/// <param name="Duration">How long it took.</param>
public readonly record struct StepStatus(long Number, int Rows, int DecodeRows, int Sequences, int Adapters, TimeSpan Duration)
{
    /// <summary>Tokens of prompt chunks.</summary>
    public int PromptRows => Rows - DecodeRows;
}
