using System.Collections.Immutable;

namespace SLoRA.Formats.Peft;

/// <summary>
/// What an adapter_config.json says about the function that its adapter computes. It exists only if that function is served:
/// <c>W + scale · B A</c> on some modules, and what may come on top of it.
/// </summary>
internal sealed record PeftConfig
{
    /// <summary>The name that errors call the file by.</summary>
    public required string File { get; init; }

    /// <summary>The rank of modules that no key of <see cref="RankPattern"/> matches.</summary>
    public required int Rank { get; init; }

    /// <summary>The alpha of modules that no key of <see cref="AlphaPattern"/> matches.</summary>
    public required double Alpha { get; init; }

    /// <summary>What multiplies B A in every module, whatever rank and alpha are; null if they say it.</summary>
    public double? OwnScale { get; init; }

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

    /// <summary>
    /// Parameters that have LoRA, by their names or ends of names: the matrices of all experts of a layer, or the weight of a module.
    /// </summary>
    public ImmutableArray<string> TargetParameters { get; init; } = [];

    /// <summary>
    /// The version of PEFT that wrote the file, as far as it is numbers; null if it does not say. Factors of experts lie in another order
    /// before 0.19.1.
    /// </summary>
    public Version? PeftVersion { get; init; }

    /// <summary>The modules that have none although they are targeted; null for no exception.</summary>
    public NamePattern? ExcludeModules { get; init; }

    /// <summary>The layers that have LoRA; empty for all.</summary>
    public ImmutableArray<int> LayersToTransform { get; init; } = [];

    /// <summary>Expressions for the name in front of the layer's number; empty for any.</summary>
    public ImmutableArray<string> LayersPattern { get; init; } = [];

    /// <summary>DoRA: every row of W + scale · B A is brought to a trained norm.</summary>
    public bool UseDora { get; init; }

    /// <summary>Which modules have a trained bias in the place of the base model's.</summary>
    public PeftBias Bias { get; init; }

    /// <summary>Whether B has a bias: <c>scale · (B A x + b)</c>.</summary>
    public bool LoraBias { get; init; }

    /// <summary>Ends of the names of modules that are trained whole; empty for none.</summary>
    public ImmutableArray<string> ModulesToSave { get; init; } = [];

    /// <summary>
    /// Ends of names of modules, and the rows of their weights that are trained, in the order of the file; a null name stands for the
    /// embedding.
    /// </summary>
    public ImmutableArray<KeyValuePair<string?, ImmutableArray<int>>> TrainableTokens { get; init; } = [];

    /// <summary>The tokens that begin the part of a prompt that the adapter acts on; empty if it acts on all of it.</summary>
    public ImmutableArray<int> InvocationTokens { get; init; } = [];

    /// <summary>Whether what is done to the embedding is done to the head that is tied to it, and the other way round.</summary>
    public bool EnsureWeightTying { get; init; }

    /// <summary>What multiplies B A in a module of this rank and alpha. Computed as PEFT does, in fp64, and then rounded.</summary>
    public float Scale(int rank, double alpha) => (float)(OwnScale ?? (UseRsLora ? alpha / Math.Sqrt(rank) : alpha / rank));

    /// <summary>A value of target_modules or exclude_modules: an expression, or names.</summary>
    /// <param name="Expression">An expression in Python's syntax that the whole module name must match; null if there are names.</param>
    /// <param name="Names">Names of modules, or ends of names that begin behind a dot.</param>
    internal sealed record NamePattern(string? Expression, ImmutableArray<string> Names);
}
