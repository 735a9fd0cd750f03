namespace SLoRA.Step;

/// <summary>What the shards of a step have exchanged, as one of them saw it: meetings, fp32 numbers that it took over from the others, and
/// time from coming to a meeting until having what was exchanged, waiting for slower shards included.</summary>
/// <param name="BaseMeetings">Meetings that the base model needs.</param>
/// <param name="BaseElements">Numbers taken over in them.</param>
/// <param name="LoraMeetings">Further meetings for adapters.</param>
/// <param name="LoraElements">Numbers taken over for adapters, in whatever meeting.</param>
/// <param name="BaseTicks">Time of the former, in ticks of <see cref="System.Diagnostics.Stopwatch"/>.</param>
/// <param name="LoraTicks">Time of the further ones.</param>
internal readonly record struct StepExchange(
    int BaseMeetings, long BaseElements, int LoraMeetings, long LoraElements, long BaseTicks, long LoraTicks);
