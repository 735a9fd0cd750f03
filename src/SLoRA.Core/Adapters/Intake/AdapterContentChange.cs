using System.Collections.Immutable;
using SLoRA.Models;

namespace SLoRA.Adapters.Intake;

/// <summary>What an adapter does to a module besides adding B A, in main memory.</summary>
/// <param name="Target">The module.</param>
internal sealed record AdapterContentChange(TargetModule Target)
{
    /// <summary>Rows of the module's weight, <c>[rows, in]</c>, by ascending <see cref="Ids"/>; null where the base's stay.</summary>
    public WeightMatrix? Rows { get; init; }

    /// <summary>Which rows they are, ascending; empty for all of them.</summary>
    public ImmutableArray<int> Ids { get; init; } = [];

    /// <summary>The bias in the place of the base's, <c>[1, out]</c>.</summary>
    public WeightMatrix? Bias { get; init; }

    /// <summary>The bias of B, <c>[1, out]</c>.</summary>
    public WeightMatrix? LoraBias { get; init; }

    /// <summary>DoRA's norms, <c>[1, out]</c>.</summary>
    public WeightMatrix? Magnitude { get; init; }

    /// <summary>What multiplies results, <c>[out]</c>, worked out of the others and of the base; null for 1.</summary>
    public float[]? Factor { get; init; }

    /// <summary>What is added to results, <c>[out]</c>; null for 0.</summary>
    public float[]? Offset { get; init; }

    /// <summary>What was read, each with what it is.</summary>
    public IEnumerable<(string Role, WeightMatrix Matrix)> Read => new (string, WeightMatrix?)[]
    {
        ("rows", Rows), ("bias", Bias), ("lora_bias", LoraBias), ("magnitude", Magnitude),
    }.Where(part => part.Item2 is not null).Select(part => (part.Item1, part.Item2!));
}
