namespace SLoRA.Evaluation.Workloads;

/// <summary>One request of a trace.</summary>
/// <param name="Arrival">When it is sent, in seconds from the start of the run.</param>
/// <param name="Adapter">Its adapter; <see cref="Base"/> for none. Also the client that sends it.</param>
/// <param name="Prompt">Tokens of its prompt.</param>
/// <param name="Output">Tokens of its answer, which never ends sooner.</param>
internal readonly record struct TraceRequest(double Arrival, int Adapter, int Prompt, int Output)
{
    /// <summary>No adapter.</summary>
    public const int Base = -1;
}
