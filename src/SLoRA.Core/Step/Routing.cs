namespace SLoRA.Step;

/// <summary>How a router's logits become scores.</summary>
internal enum RouterScore
{
    /// <summary><c>exp(l) / Σ exp(l)</c> over all experts.</summary>
    Softmax,

    /// <summary><c>1 / (1 + e⁻ˡ)</c>, each expert for itself.</summary>
    Sigmoid,

    /// <summary>The logits choose, and a softmax over those of the chosen experts alone gives the weights.</summary>
    SoftmaxOfChosen,
}

/// <summary>
/// How a row chooses its experts: scores of the logits, the best of them, weights. Equal scores go to the expert of the lower index, so a
/// row's choice depends on its logits alone.
/// </summary>
internal sealed record Routing
{
    /// <summary>The most experts of a layer.</summary>
    public const int MostExperts = 1024;

    /// <summary>The most experts that a row chooses.</summary>
    public const int MostChosen = 64;

    /// <summary>Experts, E.</summary>
    public required int Experts { get; init; }

    /// <summary>Experts of a row, k ≤ E.</summary>
    public required int Chosen { get; init; }

    /// <summary>What a score is.</summary>
    public required RouterScore Score { get; init; }

    /// <summary>Whether a row's weights are divided by <c>max(their sum, <see cref="SumFloor"/>) + <see cref="SumOffset"/></c>.</summary>
    public bool Normalise { get; init; }

    /// <summary>The least sum that weights are divided by.</summary>
    public float SumFloor { get; init; }

    /// <summary>What is added to the sum that weights are divided by.</summary>
    public float SumOffset { get; init; }

    /// <summary>What weights are multiplied by in the end.</summary>
    public float Scale { get; init; } = 1;

    /// <summary>Groups of consecutive experts; divides E.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>
    /// Groups that experts are chosen from: those with the largest sums of their two best choices. As many as there are groups for all.
    /// </summary>
    public int ChosenGroups { get; init; } = 1;

    /// <summary>Whether weights multiply what experts are given instead of what they give.</summary>
    public bool WeighsInputs { get; init; }
}
