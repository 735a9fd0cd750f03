namespace SLoRA.Step;

/// <summary>A gate with limits, over columns that are gate and up in turn.</summary>
/// <param name="Limit">The most that gates may be; ups stay within it on both sides.</param>
/// <param name="Alpha">What gates are multiplied by inside of the sigmoid.</param>
internal sealed record ClampedGate(float Limit, float Alpha);
