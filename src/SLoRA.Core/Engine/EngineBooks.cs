using System.Collections.Immutable;
using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Scheduling;

namespace SLoRA.Engine;

/// <summary>Copies out who owns what, for the validator. Belongs to the engine's thread.</summary>
/// <param name="parts">What the engine is made of: the pool's own books among it.</param>
/// <param name="requests">Who runs.</param>
/// <param name="endings">Who has ended and still holds something.</param>
/// <param name="queue">Who waits.</param>
/// <param name="residency">Adapters in pages, and what the program wants there.</param>
/// <param name="prefixes">Pages that are kept for others; null when that is off.</param>
/// <param name="swap">Pages in main memory.</param>
internal sealed class EngineBooks(
    EngineParts parts, ActiveRequests requests, RequestEndings endings, WaitingQueue queue, Residency residency, PrefixCache? prefixes,
    SwapSpace swap)
{
    /// <summary>The engine at this moment.</summary>
    public EngineSnapshot Snapshot() => new(
        parts.Pool.Snapshot(),
        [.. requests.Running.Concat(queue.InOrder())
            .Select(sequence => new OwnerSnapshot("sequence", [.. sequence.Table.Pages], sequence.Table.Reserved)
            {
                StatePages = sequence.Table.StatePageCount,
                Tables = TablesOf(sequence.Table),
            })],
        [
            .. residency.Cache.Resident.Select(generation =>
                new OwnerSnapshot("generation", [.. generation.Resident!.Pages], 0) { Whole = generation.Directory.PageCount }),
            .. residency.Cache.PagingIn.Select(generation => new OwnerSnapshot("generation", [.. generation.Copy!.Pages], 0)),
        ])
    {
        Prefixes = prefixes is null ? [] : [.. prefixes.Snapshot().Select(kept => new PrefixSnapshot(kept.Page, kept.Parent))],
        IdlePrefixes = prefixes?.IdlePageCount ?? 0,
        Leases = [.. HeldLeases().GroupBy(held => held.Lease.Registration).Select(held =>
            new LeaseSnapshot(held.Key.Name, held.Count(), held.Key.Leases))],
        CountedLeases = requests.Leases + residency.Preloads.Leases,
        Users = Users(),
        SwapBlocks = swap.Used,
        SwappedPages = queue.InOrder().Concat(endings.Left).Sum(sequence => sequence.Swapped?.Blocks.Length ?? 0),
    };

    private ImmutableArray<TableSnapshot> TablesOf(PageTable table) =>
    [
        .. Enumerable.Range(0, table.Groups).Select(group => new TableSnapshot(
            table.FirstBlock(group), [.. table.Held(group)], group >= parts.TableShape.WholeGroups, table.Passes(group))),
    ];

    /// <summary>All leases, each with whether its sequence has been admitted.</summary>
    private IEnumerable<(Lease Lease, bool IsUsed)> HeldLeases() =>
        requests.Running.Concat(queue.InOrder()).Concat(endings.Left)
            .SelectMany(sequence => sequence.Leases, (sequence, lease) => (lease, sequence.IsAdmitted))
            .Concat(residency.Preloads.InOrder().Select(preload => (preload.Lease, false)));

    private ImmutableArray<UserSnapshot> Users()
    {
        ILookup<Generation, bool> used = HeldLeases().Where(held => held.Lease.Generation is not null)
            .ToLookup(held => held.Lease.Generation!, held => held.IsUsed);
        return [.. used.Select(held => held.Key).Union(residency.Cache.Resident).Union(residency.Cache.PagingIn)
            .Select(generation => new UserSnapshot(generation.Ordinal, used[generation].Count(isUsed => isUsed), generation.Users))];
    }
}
