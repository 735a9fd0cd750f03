namespace SLoRA.Backends.Cpu;

/// <summary>What is done once, while a model is loaded, and needs no job of its own.</summary>
/// <param name="execute">Does a part.</param>
internal sealed class PartsJob(Action<int> execute) : ComputeJob
{
    /// <inheritdoc/>
    public override void Execute(int part, int worker) => execute(part);
}
