using System.Collections.Immutable;
using System.Globalization;
using SLoRA.Errors;

namespace SLoRA;

/// <summary>
/// What an adapter changes in the base model, as its configuration and its tensors agree. Every tensor of the file is accounted for.
/// </summary>
public sealed record AdapterCoverage
{
    internal AdapterCoverage(
        ImmutableArray<AdapterModuleCoverage> modules,
        int modelModules,
        ImmutableArray<string> unusedTargets,
        ImmutableArray<string> withoutEffect,
        long parameters,
        long bytes,
        ImmutableArray<string> kinds)
    {
        Modules = modules;
        ModelModules = modelModules;
        UnusedTargets = unusedTargets;
        ModulesWithoutEffect = withoutEffect;
        Parameters = parameters;
        Bytes = bytes;
        Kinds = kinds;
    }

    /// <summary>The modules that the adapter targets, in the model's order. Never empty.</summary>
    public ImmutableArray<AdapterModuleCoverage> Modules { get; private init; }

    /// <summary>How many modules of the base model an adapter could change.</summary>
    public int ModelModules { get; }

    /// <summary>
    /// What the adapter is besides B A on modules, for people, such as <c>DoRA</c> or <c>own weights of lm_head</c>; empty for plain LoRA.
    /// </summary>
    public ImmutableArray<string> Kinds { get; }

    /// <summary>
    /// Names in target_modules or modules_to_save that the base model does not have. Harmless: the file has no tensors for them.
    /// </summary>
    public ImmutableArray<string> UnusedTargets { get; }

    /// <summary>
    /// Names of <see cref="Modules"/> that change nothing, because their scale is zero or A or B is zero everywhere. Before the content has
    /// been read, only the scales are known.
    /// </summary>
    public ImmutableArray<string> ModulesWithoutEffect { get; private init; }

    /// <summary>Tokens that the adapter has beyond those of the model, from the model's number of tokens on.</summary>
    public int AddedTokens { get; internal init; }

    /// <summary>
    /// Whether rows of the embedding or the head are its own: it may have been trained with tokens that the model's tokenizer does not
    /// know.
    /// </summary>
    public bool HasOwnTokens { get; internal init; }

    /// <summary>The smallest rank of a module.</summary>
    public int SmallestRank => Modules.Min(module => module.Rank);

    /// <summary>The largest rank of a module.</summary>
    public int LargestRank => Modules.Max(module => module.Rank);

    /// <summary>Elements of all tensors together, copies of base weights apart.</summary>
    public long Parameters { get; }

    /// <summary>Bytes of the adapter's tensor file, or of the tensors that were handed in.</summary>
    public long Bytes { get; }

    /// <summary>Whether something of it stands in the place of weights of the base.</summary>
    internal bool HasOwnWeights { get; init; }

    /// <summary>The same with an equal list of modules that others have too.</summary>
    internal AdapterCoverage Sharing(ImmutableArray<AdapterModuleCoverage> modules) => this with { Modules = modules };

    /// <summary>The same, now that the values are known too.</summary>
    internal AdapterCoverage WithoutEffect(ImmutableArray<string> modules) =>
        modules.SequenceEqual(ModulesWithoutEffect) ? this : this with { ModulesWithoutEffect = modules };

    /// <summary>
    /// One line for people: modules, ranks, parameters, bytes, kinds, modules without effect, names that the model lacks.
    /// </summary>
    public override string ToString()
    {
        string rank = SmallestRank == LargestRank ? $"rank {SmallestRank}" : $"ranks {SmallestRank} to {LargestRank}";
        string unused = UnusedTargets.IsEmpty ? "" : $", not in this model: {Shown.Names(UnusedTargets)}";
        string dead =
            ModulesWithoutEffect.IsEmpty ? "" : $", {ModulesWithoutEffect.Length} without effect: {Shown.Names(ModulesWithoutEffect)}";
        string kinds = Kinds.IsEmpty ? "" : $", {string.Join(", ", Kinds)}";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Modules.Length} of {ModelModules} modules, {rank}, {Parameters:N0} parameters, {Bytes:N0} bytes{kinds}{dead}{unused}");
    }
}
