namespace SLoRA.Backends.Gpu;

/// <summary>What two shards send each other at a meeting, in elements of their memory for blocks.</summary>
/// <param name="Peer">The other shard.</param>
/// <param name="Sent">Where what this shard sends begins in the memory that it sends from.</param>
/// <param name="SentCount">How much it is.</param>
/// <param name="Taken">Where what it takes begins in the other's.</param>
/// <param name="TakenCount">How much it is; possibly nothing.</param>
/// <param name="To">Where that goes.</param>
internal readonly record struct BlockMove(int Peer, long Sent, long SentCount, long Taken, long TakenCount, long To);
