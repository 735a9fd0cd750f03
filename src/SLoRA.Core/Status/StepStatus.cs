namespace SLoRA;

/// <summary>What one step of the engine computed: one pass of the model over a batch of rows.</summary>
/// <param name="Number">The number of the step, from 1; 0 when there was none yet.</param>
/// <param name="Rows">Tokens computed.</param>
/// <param name="DecodeRows">Those that were the only token of their sequence in the step.</param>
/// <param name="Sequences">Sequences that took part.</param>
/// <param name="Adapters">Distinct adapter contents that took part.</param>
/// <param name="Duration">How long it took.</param>
public readonly record struct StepStatus(long Number, int Rows, int DecodeRows, int Sequences, int Adapters, TimeSpan Duration)
{
    /// <summary>
    /// Rows of sequences that had more than one in the step: of prompts, and of what is computed again after a preemption.
    /// </summary>
    public int PromptRows => Rows - DecodeRows;

    /// <summary>
    /// Of the duration, what shard 0 spent in exchanging rows with the other shards, waiting for slower ones included; zero on one device.
    /// </summary>
    public TimeSpan Collectives { get; init; }

    /// <summary>Of <see cref="Collectives"/>, what would not have been without adapters.</summary>
    public TimeSpan AdapterCollectives { get; init; }
}
