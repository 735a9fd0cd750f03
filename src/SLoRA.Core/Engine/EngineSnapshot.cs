using System.Collections.Immutable;
using SLoRA.Pool;

namespace SLoRA.Engine;

/// <summary>Who says to own what, at one moment between two steps.</summary>
/// <param name="Pool">The pool's own books.</param>
/// <param name="Sequences">Running sequences.</param>
/// <param name="Generations">Generations that have pages or are promised some.</param>
internal sealed record EngineSnapshot(PoolSnapshot Pool, ImmutableArray<OwnerSnapshot> Sequences, ImmutableArray<OwnerSnapshot> Generations);

/// <summary>One owner of pages.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Pages">Pages it owns.</param>
/// <param name="Reserved">Pages it is promised.</param>
internal sealed record OwnerSnapshot(string Kind, ImmutableArray<int> Pages, int Reserved);
