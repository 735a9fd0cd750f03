using System.Collections.Immutable;

namespace SLoRA.Pool;

/// <summary>The pool at one moment.</summary>
/// <param name="Owners">Owners per page.</param>
/// <param name="Free">The free list.</param>
/// <param name="Reserved">Free pages promised to admitted work.</param>
internal sealed record PoolSnapshot(ImmutableArray<int> Owners, ImmutableArray<int> Free, int Reserved)
{
    /// <summary>Promises among them that are set aside with pages of windows.</summary>
    public int SetAside { get; init; }
}
