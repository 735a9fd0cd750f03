using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>One chunk of the work list on one module: what shrink writes and expand reads.</summary>
/// <param name="Adapter">The generation.</param>
/// <param name="Tiles">Its tiles for the module.</param>
/// <param name="FirstEntry">First of the chunk's <see cref="LoraEntries"/>.</param>
/// <param name="Count">Entries.</param>
/// <param name="Shrunk">Where v <c>[Count, Rank]</c> begins in <see cref="LoraWork.Shrunk"/>.</param>
/// <param name="FirstColumn">Column of the output where column 0 of B is.</param>
/// <param name="Borders">Where the leaves of the sums over A's columns begin, and the end.</param>
internal readonly record struct LoraProduct(
    ResidentAdapter Adapter, ModuleTiles Tiles, int FirstEntry, int Count, nint Shrunk, int FirstColumn, ImmutableArray<int> Borders);

/// <summary>The LoRA work of one operation: a product per chunk and module, in the order in which deltas are added.</summary>
/// <param name="shard">Which of several shards this is; null on one device.</param>
internal sealed unsafe class LoraWork(int? shard = null) : IDisposable
{
    private const int Own = 2;

    // What other shards are shown is in the first two by turns: they still read the shrunk rows of one operation while the next one's are
    // written. What nobody else sees is in the third, since no meeting tells that the others have done with the first two.
    private readonly AlignedMemory[] _memories = [new(0), new(0), new(0)];
    private LoraProduct[] _products = new LoraProduct[64];
    private int _count;
    private nint _floats;
    private int _turn;
    private int _place = Own;
    private bool _isShown;

    /// <summary>The products.</summary>
    public ReadOnlySpan<LoraProduct> Products => _products.AsSpan(0, _count);

    /// <summary>The entries that the products refer to.</summary>
    public LoraEntries Entries { get; private set; } = null!;

    /// <summary>Memory of the shrunk rows.</summary>
    public float* Shrunk => _memories[_place].Floats;

    /// <summary>Starts an operation over the entries of a row set.</summary>
    /// <param name="entries">The entries.</param>
    /// <param name="isShown">Whether other shards are shown the shrunk rows.</param>
    public void Begin(LoraEntries entries, bool isShown)
    {
        _isShown = isShown;
        _products.AsSpan(0, _count).Clear();
        _count = 0;
        _floats = 0;
        Entries = entries;
    }

    /// <summary>Adds what the work list asks of one module in one pass.</summary>
    /// <param name="work">The work list that the entries came from.</param>
    /// <param name="pass">Which of its passes.</param>
    /// <param name="target">Index of the module.</param>
    /// <param name="firstColumn">Column of the output where the module's output 0 is.</param>
    /// <param name="addsShare">Whether the output has all columns of the module, of which a shard adds to its share.</param>
    /// <param name="borders">Where the leaves of the sums over its inputs begin, and the end of the inputs.</param>
    public void Add(WorkList work, int pass, int target, int firstColumn, bool addsShare, ImmutableArray<int> borders)
    {
        ReadOnlySpan<WorkChunk> chunks = work.Chunks;
        (int first, int end) = work.ChunksOf(pass);
        for (int c = first; c < end; c++)
        {
            int count = Entries.EntryCount(c);
            ResidentAdapter adapter = chunks[c].Adapter.OnShard(shard);
            if (count == 0 || adapter.Directory.Modules[target] is not { } tiles)
            {
                continue;
            }

            int column = firstColumn + (addsShare ? tiles.B.FirstColumn : 0);
            Add(new LoraProduct(adapter, tiles, Entries.FirstEntry(c), count, 0, column, borders));
        }
    }

    /// <summary>Adds what the work list asks of the modules of experts.</summary>
    /// <param name="work">The work list that the entries came from.</param>
    /// <param name="chunks">Its entries by the experts of their rows.</param>
    /// <param name="targets">The modules.</param>
    /// <param name="borders">Where the leaves of the sums over their inputs begin, and the end of the inputs.</param>
    public void Add(WorkList work, ReadOnlySpan<RoutedChunk> chunks, ExpertTargets targets, ImmutableArray<int> borders)
    {
        foreach (RoutedChunk chunk in chunks)
        {
            ResidentAdapter adapter = work.Chunks[chunk.Chunk].Adapter.OnShard(shard);
            if (adapter.Directory.Modules[targets.FirstTarget + chunk.Expert] is { } tiles)
            {
                Add(new LoraProduct(adapter, tiles, chunk.First, chunk.Count, 0, targets.FirstColumn, borders));
            }
        }
    }

    /// <summary>Adds one product; where its shrunk rows begin is filled in.</summary>
    public void Add(in LoraProduct product)
    {
        if (_count == _products.Length)
        {
            Array.Resize(ref _products, 2 * _products.Length);
        }

        _products[_count++] = product with { Shrunk = _floats };
        _floats += (nint)product.Count * product.Tiles.Rank;
    }

    /// <summary>Makes room for the shrunk rows; call it after the last product.</summary>
    public void End()
    {
        bool isShown = _isShown && shard is not null;
        _turn ^= isShown && _count > 0 ? 1 : 0;
        _place = isShown ? _turn : Own;
        long bytes = _floats * sizeof(float);
        ref AlignedMemory memory = ref _memories[_place];
        if (memory.Bytes < bytes)
        {
            long grown = Math.Max(bytes, 2 * memory.Bytes);
            memory.Dispose();
            memory = new AlignedMemory(grown);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (AlignedMemory memory in _memories)
        {
            memory.Dispose();
        }
    }
}
