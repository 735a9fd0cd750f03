using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>One chunk of the work list whose generation changes one module.</summary>
/// <param name="Adapter">The generation.</param>
/// <param name="Change">What it does to the module.</param>
/// <param name="FirstEntry">First of the chunk's <see cref="LoraEntries"/>.</param>
/// <param name="Count">Entries.</param>
/// <param name="FirstColumn">Column of the output where the outputs that are changed begin.</param>
/// <param name="Width">How many outputs are changed.</param>
/// <param name="FirstOutput">Which of the outputs of the generation's own rows is the first of them.</param>
/// <param name="Product">Which of the products gives the outputs of the generation's own rows; negative for none.</param>
internal readonly record struct ChangeItem(
    ResidentAdapter Adapter, ModuleChange Change, int FirstEntry, int Count, int FirstColumn, int Width, int FirstOutput, int Product);

/// <summary>
/// What generations do to the modules of one operation besides adding B A, in the order of the work list. The outputs of rows of weights
/// that they have are products like the shrink of LoRA, <c>v = x W'ᵀ</c>, and are computed by it.
/// </summary>
/// <param name="shard">Which of several shards this is; null on one device.</param>
internal sealed unsafe class ChangeWork(int? shard) : IDisposable
{
    private ChangeItem[] _items = new ChangeItem[16];
    private int _count;
    private int[] _tokens = [];
    private int _firstToken;
    private bool _isShown;

    /// <summary>The items.</summary>
    public ReadOnlySpan<ChangeItem> Items => _items.AsSpan(0, _count);

    /// <summary>The entries that they refer to.</summary>
    public LoraEntries Entries { get; private set; } = null!;

    /// <summary>The products with rows of weights.</summary>
    public LoraWork Products { get; } = new(shard);

    /// <summary>Whether an item has rows of the weight.</summary>
    public bool HasRows { get; private set; }

    /// <summary>Whether an item multiplies or adds.</summary>
    public bool HasSums { get; private set; }

    /// <summary>Whether the operation is a look-up.</summary>
    public bool IsEmbedding { get; private set; }

    /// <summary>The entry of a row's token in the part of the table that is here, in a look-up.</summary>
    public int EntryOf(int row) => _tokens[row] - _firstToken;

    /// <summary>The outputs of an item's own rows, <c>[Count, rows]</c>.</summary>
    public float* Outputs(in ChangeItem item) => Products.Shrunk + Products.Products[item.Product].Shrunk;

    /// <summary>Starts a product over the entries of a row set.</summary>
    /// <param name="entries">The entries.</param>
    /// <param name="isShown">Whether other shards are shown the outputs of rows of weights.</param>
    public void Begin(LoraEntries entries, bool isShown)
    {
        _items.AsSpan(0, _count).Clear();
        _count = 0;
        _isShown = isShown;
        Entries = entries;
        IsEmbedding = false;
        HasRows = false;
        HasSums = false;
        Products.Begin(entries, isShown);
    }

    /// <summary>Starts a look-up of tokens.</summary>
    /// <param name="entries">The entries.</param>
    /// <param name="tokens">Token per row.</param>
    /// <param name="firstToken">The token of the first entry that is here.</param>
    public void BeginEmbedding(LoraEntries entries, ReadOnlySpan<int> tokens, int firstToken)
    {
        Begin(entries, isShown: false);
        IsEmbedding = true;
        _firstToken = firstToken;
        if (_tokens.Length < tokens.Length)
        {
            _tokens = new int[Math.Max(tokens.Length, 2 * _tokens.Length)];
        }

        tokens.CopyTo(_tokens);
    }

    /// <summary>Adds what the work list asks of one module in one pass.</summary>
    /// <param name="work">The work list that the entries came from.</param>
    /// <param name="pass">Which of its passes.</param>
    /// <param name="target">Index of the module.</param>
    /// <param name="firstColumn">Column of the output where the outputs that are changed begin.</param>
    /// <param name="outputs">Which of the module's outputs that are computed here are changed.</param>
    /// <param name="borders">Where the leaves of the sums over the module's inputs begin, and the end of the inputs.</param>
    public void Add(WorkList work, int pass, int target, int firstColumn, Run outputs, ImmutableArray<int> borders)
    {
        ReadOnlySpan<WorkChunk> chunks = work.Chunks;
        (int first, int end) = work.ChunksOf(pass);
        for (int c = first; c < end; c++)
        {
            int count = Entries.EntryCount(c);
            ResidentAdapter adapter = chunks[c].Adapter.OnShard(shard);
            if (count == 0 || adapter.Directory.ChangeOf(target) is not { } change)
            {
                continue;
            }

            if (_count == _items.Length)
            {
                Array.Resize(ref _items, 2 * _items.Length);
            }

            int product = -1;
            if (!IsEmbedding && change.Product is { } rows)
            {
                product = Products.Products.Length;
                Products.Add(new LoraProduct(adapter, rows, Entries.FirstEntry(c), count, 0, firstColumn, borders));
            }

            HasRows |= change.Rows is not null;
            HasSums |= change.Factor is not null || change.Offset is not null;

            // Added tokens are outputs behind those that are computed.
            int columns = IsEmbedding || _isShown ? outputs.Count : Math.Max(outputs.Count, change.End);
            _items[_count++] = new ChangeItem(
                adapter, change, Entries.FirstEntry(c), count, firstColumn, columns, outputs.First, product);
        }
    }

    /// <summary>Makes room for the outputs; call it after the last <see cref="Add"/>.</summary>
    public void End() => Products.End();

    /// <inheritdoc/>
    public void Dispose() => Products.Dispose();
}
