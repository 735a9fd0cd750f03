using System.Collections.Immutable;
using SLoRA.Pool;

namespace SLoRA.Engine;

/// <summary>Who says to own what, at one moment between two steps.</summary>
/// <param name="Pool">The pool's own books.</param>
/// <param name="Sequences">Running sequences.</param>
/// <param name="Generations">Generations that have pages or are promised some.</param>
internal sealed record EngineSnapshot(PoolSnapshot Pool, ImmutableArray<OwnerSnapshot> Sequences, ImmutableArray<OwnerSnapshot> Generations)
{
    /// <summary>Pages that the prefix cache keeps.</summary>
    public ImmutableArray<PrefixSnapshot> Prefixes { get; init; } = [];

    /// <summary>Kept pages that the prefix cache takes for idle.</summary>
    public int IdlePrefixes { get; init; }

    /// <summary>What sequences and preloads hold on adapters.</summary>
    public ImmutableArray<LeaseSnapshot> Leases { get; init; } = [];

    /// <summary>Leases that are counted as held, whatever adapter they are on.</summary>
    public int CountedLeases { get; init; }

    /// <summary>Which generations are used, of those that are held or have pages.</summary>
    public ImmutableArray<UserSnapshot> Users { get; init; } = [];

    /// <summary>Blocks of main memory that hold pages of preempted sequences.</summary>
    public int SwapBlocks { get; init; }

    /// <summary>Blocks that preempted sequences say to have.</summary>
    public int SwappedPages { get; init; }
}

/// <summary>One owner of pages.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Pages">Pages it owns.</param>
/// <param name="Reserved">Pages it is promised.</param>
internal sealed record OwnerSnapshot(string Kind, ImmutableArray<int> Pages, int Reserved)
{
    /// <summary>How many pages it must have, if it has any; 0 for any number.</summary>
    public int Whole { get; init; }

    /// <summary>How many of its first pages hold states, if it has any: nobody else may own them.</summary>
    public int StatePages { get; init; }

    /// <summary>The pages of a sequence's tokens, by group of layers.</summary>
    public ImmutableArray<TableSnapshot> Tables { get; init; } = [];
}

/// <summary>The pages that a sequence has for one group of layers.</summary>
/// <param name="First">Which block the first of them is of.</param>
/// <param name="Pages">The pages, in the order of the blocks.</param>
/// <param name="IsBounded">Whether rows of the group see the last positions only.</param>
/// <param name="Passes">Whether the sequence lets pages go while it runs.</param>
internal sealed record TableSnapshot(int First, ImmutableArray<int> Pages, bool IsBounded = false, bool Passes = false);

/// <summary>A page that the prefix cache keeps.</summary>
/// <param name="Page">The page.</param>
/// <param name="Parent">The page that it continues; −1 for none.</param>
internal readonly record struct PrefixSnapshot(int Page, int Parent);

/// <summary>What is held on one adapter, and what the adapter's books say.</summary>
/// <param name="Adapter">Its name.</param>
/// <param name="Held">Leases of sequences and preloads.</param>
/// <param name="Counted">Leases that it counts.</param>
internal sealed record LeaseSnapshot(string Adapter, int Held, int Counted);

/// <summary>Who uses one generation, and what its books say.</summary>
/// <param name="Ordinal">Its number.</param>
/// <param name="Used">Leases of admitted sequences.</param>
/// <param name="Counted">Users that it counts.</param>
internal sealed record UserSnapshot(long Ordinal, int Used, int Counted);
