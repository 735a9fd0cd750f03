namespace SLoRA;

/// <summary>
/// How several adapters become one: what PEFT's <c>add_weighted_adapter</c> calls <c>combination_type</c>. Below, each adapter has the
/// weight w, the scale s and in each module the factors A [rank, in] and B [out, rank].
/// </summary>
public enum AdapterMergeMethod
{
    /// <summary>
    /// <c>cat</c>: ranks side by side, so that the result is <c>Σ w s B A</c> exactly, of the sum of the ranks. It is what several weighted
    /// adapters in a request give.
    /// </summary>
    Concatenate,

    /// <summary>
    /// <c>svd</c>: the closest to <c>Σ w s B A</c> that there is at <see cref="AdapterMerge.Rank"/>: its largest singular values.
    /// </summary>
    Svd,

    /// <summary>
    /// <c>linear</c>: <c>A = Σ sign(w s) √|w s| A</c> and <c>B = Σ √|w s| B</c>, of equal ranks. Not the sum of the deltas: the product has
    /// terms of one adapter's B and another's A.
    /// </summary>
    Linear,

    /// <summary><c>magnitude_prune</c>: linear, of the largest elements of every A and B; the others count as zero.</summary>
    MagnitudePrune,

    /// <summary>
    /// <c>ties</c>: as magnitude_prune, but of each element only those adapters are taken that agree with the sign of most, and divided by
    /// how many they are.
    /// </summary>
    Ties,

    /// <summary><c>dare_linear</c>: linear, of elements drawn by chance and divided by the chance.</summary>
    DareLinear,

    /// <summary><c>dare_ties</c>: ties, of elements drawn by chance and divided by the chance.</summary>
    DareTies,
}
