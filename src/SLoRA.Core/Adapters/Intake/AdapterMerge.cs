namespace SLoRA;

/// <summary>How <see cref="AdapterTensors.Merge"/> makes one adapter of several.</summary>
public sealed record AdapterMerge
{
    /// <summary>The largest <see cref="Rank"/>.</summary>
    public const int MaxRank = 1 << 16;

    /// <summary>The method.</summary>
    public AdapterMergeMethod Method { get; init; } = AdapterMergeMethod.Concatenate;

    /// <summary>
    /// The share of elements that stay, more than 0 and at most 1: the largest of every factor for magnitude_prune and ties, by chance for
    /// the dare methods; the others do not look at it.
    /// </summary>
    public double Density { get; init; } = 0.5;

    /// <summary>What decides a sign, for the ties methods.</summary>
    public AdapterMergeSign Sign { get; init; } = AdapterMergeSign.Total;

    /// <summary>Where the random numbers of the dare methods start: equal seeds give equal adapters.</summary>
    public ulong Seed { get; init; }

    /// <summary>The rank of the result, for <see cref="AdapterMergeMethod.Svd"/>; null for the largest of the adapters.</summary>
    public int? Rank { get; init; }

    /// <summary>Checks every value.</summary>
    /// <exception cref="InvalidOptionException">A value is out of its range.</exception>
    internal void Check()
    {
        if (!Enum.IsDefined(Method))
        {
            throw new InvalidOptionException(nameof(Method), $"Method is {Method}, which is no way to merge adapters.");
        }

        if (!Enum.IsDefined(Sign))
        {
            throw new InvalidOptionException(nameof(Sign), $"Sign is {Sign}; it must be Total or Frequency.");
        }

        if (Density is not (> 0 and <= 1))
        {
            throw new InvalidOptionException(
                nameof(Density), FormattableString.Invariant($"Density is {Density}; it must be more than 0 and at most 1."));
        }

        if (Rank is < 1 or > MaxRank)
        {
            throw new InvalidOptionException(nameof(Rank), $"Rank is {Rank}; it must be from 1 to {MaxRank}.");
        }
    }
}
