using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>One chunk of the work list on one module: what shrink writes and expand reads.</summary>
/// <param name="Adapter">The generation.</param>
/// <param name="Tiles">Its tiles for the module.</param>
/// <param name="FirstEntry">First of the chunk's <see cref="LoraEntries"/>.</param>
/// <param name="Count">Entries.</param>
/// <param name="Shrunk">Where v <c>[Count, Rank]</c> begins in <see cref="LoraWork.Shrunk"/>.</param>
/// <param name="FirstColumn">Column of the output where the module's output 0 is.</param>
internal readonly record struct LoraProduct(
    ResidentAdapter Adapter, ModuleTiles Tiles, int FirstEntry, int Count, nint Shrunk, int FirstColumn);

/// <summary>The LoRA work of one operation: a product per chunk and module, in the order in which deltas are added.</summary>
internal sealed unsafe class LoraWork : IDisposable
{
    private LoraProduct[] _products = new LoraProduct[64];
    private int _count;
    private nint _floats;
    private AlignedMemory _memory = new(0);

    /// <summary>The products.</summary>
    public ReadOnlySpan<LoraProduct> Products => _products.AsSpan(0, _count);

    /// <summary>The entries that the products refer to.</summary>
    public LoraEntries Entries { get; private set; } = null!;

    /// <summary>Memory of the shrunk rows.</summary>
    public float* Shrunk => _memory.Floats;

    /// <summary>Starts an operation over the entries of a row set.</summary>
    public void Begin(LoraEntries entries)
    {
        _products.AsSpan(0, _count).Clear();
        _count = 0;
        _floats = 0;
        Entries = entries;
    }

    /// <summary>Adds what the work list asks of one module.</summary>
    /// <param name="work">The work list that the entries came from.</param>
    /// <param name="target">Index of the module.</param>
    /// <param name="firstColumn">Column of the output where the module's output 0 is.</param>
    public void Add(WorkList work, int target, int firstColumn)
    {
        ReadOnlySpan<WorkChunk> chunks = work.Chunks;
        for (int c = 0; c < chunks.Length; c++)
        {
            int count = Entries.EntryCount(c);
            if (count == 0 || chunks[c].Adapter.Directory.Modules[target] is not { } tiles)
            {
                continue;
            }

            Add(chunks[c].Adapter, tiles, Entries.FirstEntry(c), count, firstColumn);
        }
    }

    /// <summary>Adds one product.</summary>
    public void Add(ResidentAdapter adapter, ModuleTiles tiles, int firstEntry, int count, int firstColumn)
    {
        if (_count == _products.Length)
        {
            Array.Resize(ref _products, 2 * _products.Length);
        }

        _products[_count++] = new LoraProduct(adapter, tiles, firstEntry, count, _floats, firstColumn);
        _floats += (nint)count * tiles.Rank;
    }

    /// <summary>Makes room for the shrunk rows; call it after the last product.</summary>
    public void End()
    {
        long bytes = _floats * sizeof(float);
        if (_memory.Bytes < bytes)
        {
            long grown = Math.Max(bytes, 2 * _memory.Bytes);
            _memory.Dispose();
            _memory = new AlignedMemory(grown);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
