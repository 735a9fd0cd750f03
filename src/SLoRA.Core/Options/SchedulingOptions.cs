namespace SLoRA;

/// <summary>How much the engine takes on at once.</summary>
public sealed class SchedulingOptions
{
    /// <summary>
    /// The most rows (tokens) of one step. Long prompts are cut into chunks so that running streams never wait for more than one such step.
    /// At most 65,536; the default is 256.
    /// </summary>
    public int MaxRowsPerStep { get; set; } = 256;

    /// <summary>
    /// The most rows that one long prompt takes of a step while other prompts are being computed too; they share the rest evenly. Null (the
    /// default) for half of <see cref="MaxRowsPerStep"/>; at most 65,536.
    /// </summary>
    public int? MaxPromptRowsPerStep { get; set; }

    /// <summary>
    /// The most sequences that run at once, never more than <see cref="MaxRowsPerStep"/>, so that each gets a row in every step. At most
    /// 65,536; the default is 128.
    /// </summary>
    public int MaxRunning { get; set; } = 128;

    /// <summary>
    /// The most requests that wait to be admitted; one more is answered with <see cref="EngineBusyException"/>. At most 1,000,000; the
    /// default is 4096.
    /// </summary>
    public int MaxWaiting { get; set; } = 4096;

    /// <summary>Tokens to generate for a request that does not say. The default is 512.</summary>
    public int DefaultMaxTokens { get; set; } = 512;

    /// <summary>
    /// Tokens that may wait for a slow consumer; then its sequence pauses, and nobody else's. At most 65,536; the default is 64.
    /// </summary>
    public int StreamBuffer { get; set; } = 64;

    /// <summary>
    /// How long a consumer for which <see cref="StreamBuffer"/> tokens wait may take none of them; then its request ends with
    /// <see cref="ConsumerStalledException"/>, so that nobody waits for ever for what it holds. Each token taken starts the time anew. More
    /// than zero and less than 49 days, or <see cref="Timeout.InfiniteTimeSpan"/> for no limit. The default is 2 minutes.
    /// </summary>
    public TimeSpan ConsumerTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Admits a request when there are pages for what it has so far and for <see cref="OverCommitLookahead"/> tokens more, rather than for
    /// its whole limit. When pages run out, the sequence that was admitted last is preempted: it waits, and goes on later with the same
    /// tokens. The default is false: what is admitted always finishes.
    /// </summary>
    public bool OverCommit { get; set; }

    /// <summary>
    /// Tokens beyond what it has that a sequence is promised pages for when it is admitted under <see cref="OverCommit"/>. The default is
    /// 64.
    /// </summary>
    public int OverCommitLookahead { get; set; } = 64;

    /// <summary>
    /// What becomes of the keys, values and states of a sequence that is preempted. The default chooses by measured cost.
    /// </summary>
    public PreemptionMode Preemption { get; set; }

    /// <summary>
    /// Main memory for the pages of preempted sequences, taken as it is needed. What does not fit is computed again. The default
    /// is 256 MiB.
    /// </summary>
    public long SwapBytes { get; set; } = 256L << 20;

    /// <summary>
    /// Hands the tokens of a step to their streams while the next step computes, on a second thread, instead of before it. Streams get the
    /// same tokens, in the same order, and end the same way; each token comes a little later. It helps where a device computes beside the
    /// processor and many streams are listened to. The default is false.
    /// </summary>
    public bool OverlapPublishing { get; set; }

    /// <summary>Who goes first. The default is first come, first served.</summary>
    public SchedulingPolicy Policy { get; set; } = new();

    /// <summary>Whether <see cref="ConsumerTimeout"/> is a limit.</summary>
    internal bool EndsSlowConsumers => ConsumerTimeout != Timeout.InfiniteTimeSpan;

    /// <summary>Sequences that can run at once.</summary>
    internal int Places => Math.Min(MaxRunning, MaxRowsPerStep);

    /// <summary>The most rows of one prompt beside others.</summary>
    internal int PromptRows => MaxPromptRowsPerStep ?? Math.Max(1, MaxRowsPerStep / 2);

    /// <summary>The options as they stand now.</summary>
    internal SchedulingOptions Copy()
    {
        var copy = (SchedulingOptions)MemberwiseClone();
        copy.Policy = Policy?.Copy()!;
        return copy;
    }
}

/// <summary>What becomes of the keys, values and states of a sequence that is preempted.</summary>
public enum PreemptionMode
{
    /// <summary>
    /// Swapped if copying them out and in again takes less time than computing them, by what the engine has measured; else computed again.
    /// </summary>
    Auto,

    /// <summary>Given up, and computed again from the tokens.</summary>
    Recompute,

    /// <summary>Copied to main memory and back, as far as <see cref="SchedulingOptions.SwapBytes"/> reaches.</summary>
    Swap,
}
