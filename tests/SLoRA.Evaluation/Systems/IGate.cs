using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Systems;

/// <summary>What a system that is less than ours may admit: it stands before an engine, and holds requests back.</summary>
internal interface IGate
{
    /// <summary>A request waits.</summary>
    void Arrive(int number, TraceRequest request);

    /// <summary>The next request that may run; it runs from then on. Null when there is none now.</summary>
    int? TryAdmit();

    /// <summary>A request that ran has ended.</summary>
    void Leave(int number);
}

/// <summary>Holds nobody back.</summary>
internal sealed class OpenGate : IGate
{
    private readonly Queue<int> _waiting = new();

    /// <inheritdoc/>
    public void Arrive(int number, TraceRequest request) => _waiting.Enqueue(number);

    /// <inheritdoc/>
    public int? TryAdmit() => _waiting.TryDequeue(out int number) ? number : null;

    /// <inheritdoc/>
    public void Leave(int number)
    {
    }
}
