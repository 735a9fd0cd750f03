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
        if (_next.Length < routes.Experts)
        {
            _next = new int[routes.Experts];
        }

        _entries.Begin(work.Entries.Length * routes.Chosen);
        for (int chunk = 0; chunk < work.Chunks.Length; chunk++)
        {
            Sort(chunk, work.Entries.Slice(work.Chunks[chunk].First, work.Chunks[chunk].Count), routes);
        }
    }

    private void Sort(int chunk, ReadOnlySpan<WorkEntry> entries, CpuRoutes routes)
    {
        Span<int> next = _next.AsSpan(0, routes.Experts);
        next.Clear();
        foreach (WorkEntry entry in entries)
        {
            foreach (int expert in routes.Expert.Slice(entry.Row * routes.Chosen, routes.Chosen))
            {
                next[expert]++;
            }
        }

        int first = _entries.Take(entries.Length * routes.Chosen);
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
                _entries.Set(next[routes.Expert[choice]]++, routes.RowOf[choice], entry.Weight);
            }
        }
    }
}

/// <summary>Entries of one chunk whose rows have chosen one expert.</summary>
/// <param name="Chunk">The chunk of the work list.</param>
/// <param name="Expert">The expert.</param>
/// <param name="First">First entry.</param>
/// <param name="Count">Entries.</param>
internal readonly record struct RoutedChunk(int Chunk, int Expert, int First, int Count);
