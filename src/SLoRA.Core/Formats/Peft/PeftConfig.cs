using System.Collections.Immutable;

namespace SLoRA.Formats.Peft;

/// <summary>
/// What an adapter_config.json says about the function that its adapter computes. It exists only if that function is plain LoRA:
/// <c>W + scale · B A</c> on some modules (<see cref="UseDora"/> alone is left to the reader of the tensors).
/// </summary>
internal sealed record PeftConfig
{
    /// <summary>The name that errors call the file by.</summary>
    public required string File { get; init; }

    /// <summary>The rank of modules that no key of <see cref="RankPattern"/> matches.</summary>
    public required int Rank { get; init; }

    /// <summary>The alpha of modules that no key of <see cref="AlphaPattern"/> matches.</summary>
    public required double Alpha { get; init; }

    /// <summary>rsLoRA: alpha is divided by the root of the rank instead of the rank.</summary>
    public bool UseRsLora { get; init; }

    /// <summary>Expressions on module names and the ranks of what they match, in file order.</summary>
    public ImmutableArray<KeyValuePair<string, int>> RankPattern { get; init; } = [];

    /// <summary>Ranks of modules by their full names, before any pattern; null for none.</summary>
    public IReadOnlyDictionary<string, int>? Ranks { get; init; }

    /// <summary>Expressions on module names and the alphas of what they match, in file order.</summary>
    public ImmutableArray<KeyValuePair<string, double>> AlphaPattern { get; init; } = [];

    /// <summary>The modules that have LoRA; null for those that PEFT takes by default.</summary>
    public NamePattern? TargetModules { get; init; }

    /// <summary>The modules that have none although they are targeted; null for no exception.</summary>
    public NamePattern? ExcludeModules { get; init; }

    /// <summary>The layers that have LoRA; empty for all.</summary>
    public ImmutableArray<int> LayersToTransform { get; init; } = [];

    /// <summary>Expressions for the name in front of the layer's number; empty for any.</summary>
    public ImmutableArray<string> LayersPattern { get; init; } = [];

    /// <summary>Whether this is DoRA, whose tensors decide how it is refused.</summary>
    public bool UseDora { get; init; }

    /// <summary>What multiplies B A in a module of this rank and alpha. Computed as PEFT does, in fp64, and then rounded.</summary>
    public float Scale(int rank, double alpha) => (float)(UseRsLora ? alpha / Math.Sqrt(rank) : alpha / rank);

    /// <summary>A value of target_modules or exclude_modules: an expression, or names.</summary>
    /// <param name="Expression">An expression in Python's syntax that the whole module name must match; null if there are names.</param>
    /// <param name="Names">Names of modules, or ends of names that begin behind a dot.</param>
    internal sealed record NamePattern(string? Expression, ImmutableArray<string> Names);
}
