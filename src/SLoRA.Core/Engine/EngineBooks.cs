using System.Collections.Immutable;
using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Scheduling;

namespace SLoRA.Engine;

/// <summary>Copies out who owns what, for the validator. Belongs to the engine's thread.</summary>
/// <param name="pool">The pool's own books.</param>
/// <param name="requests">Who runs.</param>
/// <param name="queue">Who waits.</param>
/// <param name="cache">Adapters in pages.</param>
/// <param name="prefixes">Pages that are kept for others; null when that is off.</param>
/// <param name="swap">Pages in main memory.</param>
internal sealed class EngineBooks(
    PagePool pool, ActiveRequests requests, WaitingQueue queue, DeviceCache cache, PrefixCache? prefixes, SwapSpace swap)
{
    /// <summary>The engine at this moment.</summary>
    public EngineSnapshot Snapshot() => new(
        pool.Snapshot(),
        [.. requests.Running.Concat(queue.InOrder())
            .Select(sequence => new OwnerSnapshot("sequence", [.. sequence.Table.Pages], sequence.Table.Reserved))],
        [
            .. cache.Resident.Select(generation =>
                new OwnerSnapshot("generation", [.. generation.Resident!.Pages], 0) { Whole = generation.Directory.PageCount }),
            .. cache.PagingIn.Select(generation => new OwnerSnapshot("generation", [.. generation.Copy!.Pages], 0)),
        ])
    {
        Prefixes = prefixes is null ? [] : [.. prefixes.Snapshot().Select(kept => new PrefixSnapshot(kept.Page, kept.Parent))],
        IdlePrefixes = prefixes?.IdlePageCount ?? 0,
        Leases = Leases(),
        SwapBlocks = swap.Used,
        SwappedPages = queue.InOrder().Sum(sequence => sequence.Swapped?.Blocks.Length ?? 0),
    };

    private ImmutableArray<LeaseSnapshot> Leases() =>
    [
        .. requests.Running.Concat(queue.InOrder())
            .SelectMany(sequence => sequence.Request.Leases, (sequence, lease) => (sequence.IsAdmitted, lease.Registration))
            .GroupBy(held => held.Registration)
            .Select(held => new LeaseSnapshot(
                held.Key.Name, held.Count(), held.Key.Leases, held.Count(lease => lease.IsAdmitted), held.Key.Generation?.Users ?? -1)),
    ];
}
