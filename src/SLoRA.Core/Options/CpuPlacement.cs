namespace SLoRA;

/// <summary>Whether the Cpu backend chooses the processors that its threads run on.</summary>
public enum CpuPlacement
{
    /// <summary>
    /// On Linux, where several shards share the model and main memory has several nodes (NUMA): each shard's threads stay on the processors
    /// of one node, and its weights, pages and working memory lie there. Otherwise the system places threads.
    /// </summary>
    Automatic,

    /// <summary>The system places threads.</summary>
    Off,
}
