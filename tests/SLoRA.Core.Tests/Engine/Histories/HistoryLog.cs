using System.Globalization;
using SLoRA.Adapters.Resident;
using SLoRA.Engine;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Engine.Histories;

/// <summary>
/// Everything that happens in a history, in its order: what is done, what becomes of it, and after every step who holds what.
/// </summary>
internal sealed class HistoryLog
{
    private readonly List<string> _lines = [];

    /// <summary>A line per event.</summary>
    public IReadOnlyList<string> Lines => _lines;

    /// <summary>Notes an event.</summary>
    public void Note(string what) => _lines.Add(what.ToString(CultureInfo.InvariantCulture));

    /// <summary>Notes the state of an engine between two steps.</summary>
    public void NoteStep(EngineLoop loop)
    {
        EngineSnapshot snapshot = loop.Snapshot();
        Note($"step {loop.Monitor.Status().LastStep.Number}: free {List(snapshot.Pool.Free)}, promised {snapshot.Pool.Reserved}, swapped "
            + $"{snapshot.SwapBlocks}");
        Note($"  run {List(loop.Running.Select(Describe))}; wait {List(loop.Waiting.Select(Describe))}");
        Note($"  generations {List(loop.DeviceCache.Resident.Select(Describe))}; on their way "
            + $"{List(loop.DeviceCache.PagingIn.Select(Describe))}");
        Note($"  prefixes {List(snapshot.Prefixes.Select(kept => kept.Page).Order())} of which idle {snapshot.IdlePrefixes}; in main "
            + $"memory {loop.Generations.Count}, {loop.HostStore.Bytes} bytes");
        Note($"  {loop.DeviceCache.Counters}, {loop.Preemption.Counters}, {loop.PrefixCache?.Counters}, preloads {loop.Preloads.Count}");
    }

    private static string Describe(Sequence sequence) => string.Create(
        CultureInfo.InvariantCulture,
        $"{sequence.Request.FirstAdmission}.{sequence.Continuation} {sequence.Computed}/{sequence.Count} "
        + $"unread {sequence.Request.Stream.Unread} {sequence.Finished} pages {List([.. sequence.Table.Pages])}+{sequence.Table.Reserved}");

    private static string Describe(Generation generation) => string.Create(
        CultureInfo.InvariantCulture,
        $"{generation.Ordinal} users {generation.Users} leases {generation.Leases} pins {generation.Pins} pages "
        + $"{List(generation.Resident?.Pages ?? generation.Copy!.Pages)}");

    private static string List<T>(IEnumerable<T> items) => $"[{string.Join(' ', items)}]";
}
