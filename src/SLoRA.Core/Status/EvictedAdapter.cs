namespace SLoRA;

/// <summary>What evicting an adapter has freed.</summary>
/// <param name="IsEvicted">False when requests hold it or it is pinned: then nothing was freed.</param>
/// <param name="Pages">Pages of the pool.</param>
/// <param name="HostBytes">Bytes of main memory beside the pool; 0 for tensors that the program handed in, which stay.</param>
public readonly record struct EvictedAdapter(bool IsEvicted, int Pages, long HostBytes);
