using System.Collections.Immutable;

namespace SLoRA.Adapters.Intake;

/// <summary>All that an adapter does, as names and shapes tell it. Layout in pages and cost follow from it.</summary>
/// <param name="Modules">The modules that it adds B A to, in the model's order.</param>
/// <param name="Changes">What it does to modules besides, in the order of their indices.</param>
/// <param name="InvocationTokens">The tokens that it begins to act at; empty for the first of a prompt.</param>
internal sealed record AdapterParts(
    ImmutableArray<AdapterModule> Modules, ImmutableArray<AdapterChange> Changes, ImmutableArray<int> InvocationTokens)
{
    /// <summary>Tokens that it has beyond those of the model.</summary>
    public int AddedTokens { get; init; }

    /// <summary>Plain LoRA.</summary>
    public static implicit operator AdapterParts(ImmutableArray<AdapterModule> modules) => new(modules, [], []);
}
