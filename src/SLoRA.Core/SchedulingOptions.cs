namespace SLoRA;

/// <summary>How much the engine takes on at once.</summary>
public sealed class SchedulingOptions
{
    /// <summary>The most rows (tokens) of one step. Long prompts are cut into chunks so that running streams never wait for more than one such step. The default is 256.</summary>
    public int MaxRowsPerStep { get; set; } = 256;

    /// <summary>The most sequences that run at once, never more than <see cref="MaxRowsPerStep"/>, so that each gets a row in every step. The default is 128.</summary>
    public int MaxRunning { get; set; } = 128;

    /// <summary>The most requests that wait to be admitted; one more is answered with <see cref="EngineBusyException"/>. The default is 4096.</summary>
    public int MaxWaiting { get; set; } = 4096;

    /// <summary>Tokens to generate for a request that does not say. The default is 512.</summary>
    public int DefaultMaxTokens { get; set; } = 512;

    /// <summary>Tokens that may wait for a slow consumer; then its sequence pauses, and nobody else's. The default is 64.</summary>
    public int StreamBuffer { get; set; } = 64;

    /// <summary>Sequences that can run at once.</summary>
    internal int Places => Math.Min(MaxRunning, MaxRowsPerStep);
}
