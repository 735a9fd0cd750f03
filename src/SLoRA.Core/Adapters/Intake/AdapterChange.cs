using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Adapters.Intake;

/// <summary>What an adapter does to a module besides adding B A, and where its tensors lie.</summary>
/// <param name="Target">The module.</param>
internal sealed record AdapterChange(TargetModule Target)
{
    /// <summary>Rows of the module's weight in the place of the base's, <c>[rows, in]</c>; for a norm its weight, <c>[width]</c>.</summary>
    public TensorEntry? Rows { get; init; }

    /// <summary>Which rows of the weight they are, in the order of the file; empty for all of them.</summary>
    public ImmutableArray<int> Ids { get; init; } = [];

    /// <summary>
    /// The whole weight with the rows of added tokens at its end, <c>[rows, in]</c>; what comes before them is the base's. Null where
    /// <see cref="Rows"/> has all that there is.
    /// </summary>
    public TensorEntry? Added { get; init; }

    /// <summary>The first row of an added token.</summary>
    public int FirstAdded => WantedTensors.RowsOf(Target) - Target.AddedTokens;

    /// <summary>Which rows of the weight it has, ascending; empty for all of them.</summary>
    public ImmutableArray<int> RowIds => Added is null ? [.. Ids.Order()]
        : [.. Ids.Union(Enumerable.Range(FirstAdded, Target.AddedTokens)).Order()];

    /// <summary>Whether it has rows of the weight.</summary>
    public bool HasRows => Rows is not null || Added is not null;

    /// <summary>All its rows as one tensor; null for none.</summary>
    public TensorEntry? AllRows => Rows is null && Added is null ? null
        : Ids.IsEmpty && Added is null ? Rows
        : Joined(Rows ?? Added!, RowIds.Length);

    /// <summary>The bias in the place of the base's, <c>[out]</c>.</summary>
    public TensorEntry? Bias { get; init; }

    /// <summary>The bias of B, <c>[out]</c>; the module's scale multiplies it.</summary>
    public TensorEntry? LoraBias { get; init; }

    /// <summary>DoRA's norms of the rows of the weight, <c>[out]</c>.</summary>
    public TensorEntry? Magnitude { get; init; }

    /// <summary>Whether it has nothing.</summary>
    public bool IsNothing => !HasRows && Bias is null && LoraBias is null && Magnitude is null;

    /// <summary>Whether results are multiplied.</summary>
    public bool HasFactor => Magnitude is not null;

    /// <summary>Whether something is added to results. What DoRA multiplies has no bias: the base's is taken out and added again.</summary>
    public bool HasOffset => Bias is not null || LoraBias is not null || (HasFactor && Target.HasBias);

    /// <summary>Its tensors, rows as one.</summary>
    public IEnumerable<TensorEntry> Tensors => new[] { AllRows, Bias, LoraBias, Magnitude }.OfType<TensorEntry>();

    private static TensorEntry Joined(TensorEntry one, int rows) => one with
    {
        Shape = [rows, one.Shape[1]],
        Length = rows * one.Shape[1] * one.Type.ElementSize(),
    };
}
