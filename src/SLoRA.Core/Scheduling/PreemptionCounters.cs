namespace SLoRA.Scheduling;

/// <summary>What preemption has done since the engine was built.</summary>
/// <param name="Preempted">How often a sequence was preempted.</param>
/// <param name="Swapped">How often of these its pages went to main memory.</param>
/// <param name="TokensGivenUp">Tokens whose keys and values were given up instead, to be computed again unless the prefix cache still has
/// them.</param>
internal readonly record struct PreemptionCounters(long Preempted, long Swapped, long TokensGivenUp);
