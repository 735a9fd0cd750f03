namespace SLoRA;

/// <summary>What one of several shards holds.</summary>
/// <param name="WeightBytes">Bytes of its parts of the base weights, as they are stored in the checkpoint.</param>
/// <param name="PoolBytes">Bytes of its slices of the pool's pages.</param>
public readonly record struct ShardStatus(long WeightBytes, long PoolBytes);
