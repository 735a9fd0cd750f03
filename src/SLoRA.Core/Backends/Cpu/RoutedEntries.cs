using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The work list seen from routed rows: for each chunk, its entries once for each expert that their rows have chosen, expert by expert.
/// Entries of one chunk and expert lie together: they share the expert's matrices of one generation.
/// </summary>
internal sealed class RoutedEntries
{
    private readonly LoraEntries _entries = new();
    private RoutedChunk[] _chunks = new RoutedChunk[64];
    private int[] _next = [];
    private int _count;
    private CpuRoutes? _routes;
    private int _generation;

    /// <summary>The entries.</summary>
    public LoraEntries Entries => _entries;

    /// <summary>Which of them belong together, in the order in which deltas are added.</summary>
    public ReadOnlySpan<RoutedChunk> Chunks => _chunks.AsSpan(0, _count);

    /// <summary>Sorts the entries of a work list by the experts of their rows, unless that has been done for these choices.</summary>
    public void Fill(WorkList work, CpuRoutes routes)
    {
        if (ReferenceEquals(_routes, routes) && _generation == routes.Generation)
        {
            return;
        }

        _routes = routes;
        _generation = routes.Generation;
        _count = 0;
        if (_next.Length < routes.Own.Count)
        {
            _next = new int[routes.Own.Count];
        }

        _entries.Begin(work.Entries.Length * routes.Chosen);
        for (int chunk = 0; chunk < work.Chunks.Length; chunk++)
        {
            Sort(chunk, work.Entries.Slice(work.Chunks[chunk].First, work.Chunks[chunk].Count), routes);
        }
    }

    private void Sort(int chunk, ReadOnlySpan<WorkEntry> entries, CpuRoutes routes)
    {
        Span<int> next = _next.AsSpan(0, routes.Own.Count);
        next.Clear();
        int routed = 0;
        foreach (WorkEntry entry in entries)
        {
            for (int choice = entry.Row * routes.Chosen; choice < (entry.Row + 1) * routes.Chosen; choice++)
            {
                if (routes.RowOf[choice] != CpuRoutes.Elsewhere)
                {
                    next[routes.Expert[choice] - routes.Own.First]++;
                    routed++;
                }
            }
        }

        int first = _entries.Take(routed);
        for (int expert = 0; expert < next.Length; expert++)
        {
            int count = next[expert];
            next[expert] = first;
            if (count > 0)
            {
                if (_count == _chunks.Length)
                {
                    Array.Resize(ref _chunks, 2 * _count);
                }

                _chunks[_count++] = new RoutedChunk(chunk, expert, first, count);
                first += count;
            }
        }

        foreach (WorkEntry entry in entries)
        {
            for (int choice = entry.Row * routes.Chosen; choice < (entry.Row + 1) * routes.Chosen; choice++)
            {
                if (routes.RowOf[choice] != CpuRoutes.Elsewhere)
                {
                    _entries.Set(next[routes.Expert[choice] - routes.Own.First]++, routes.RowOf[choice], entry.Weight);
                }
            }
        }
    }
}

/// <summary>Entries of one chunk whose rows have chosen one expert.</summary>
/// <param name="Chunk">The chunk of the work list.</param>
/// <param name="Expert">The expert, counted from the first that is here.</param>
/// <param name="First">First entry.</param>
/// <param name="Count">Entries.</param>
internal readonly record struct RoutedChunk(int Chunk, int Expert, int First, int Count);
