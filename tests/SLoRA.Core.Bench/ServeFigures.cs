namespace SLoRA.Core.Bench;

/// <summary>Tokens per second: of prompts, of decode steps, and of output over the whole job.</summary>
internal sealed record ServeFigures(double Prefill, double Decode, double Output)
{
    /// <summary>The better of two, figure by figure.</summary>
    public ServeFigures Or(ServeFigures? other) => other is null
        ? this
        : new ServeFigures(Math.Max(Prefill, other.Prefill), Math.Max(Decode, other.Decode), Math.Max(Output, other.Output));
}
