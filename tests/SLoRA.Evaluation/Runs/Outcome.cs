namespace SLoRA.Evaluation.Runs;

/// <summary>What became of one request, in seconds from the start of the run.</summary>
/// <param name="Request">Its place in the trace.</param>
/// <param name="Client">Its adapter.</param>
/// <param name="Prompt">Tokens of its prompt.</param>
/// <param name="Output">Tokens of its answer.</param>
/// <param name="Arrival">When it was sent.</param>
/// <param name="FirstToken">When its first token came; null when none did.</param>
/// <param name="End">When its last token came; null when it was given up.</param>
internal readonly record struct Outcome(
    int Request, int Client, int Prompt, int Output, double Arrival, double? FirstToken, double? End)
{
    /// <summary>From sending to the first token; null when none came, or the request was given up.</summary>
    public double? FirstTokenLatency => End is null ? null : FirstToken - Arrival;

    /// <summary>From sending to the last token; null when it was given up.</summary>
    public double? Latency => End - Arrival;
}
