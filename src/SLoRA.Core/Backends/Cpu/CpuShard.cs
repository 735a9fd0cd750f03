using SLoRA.Backends.Sharded;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// What a Cpu backend needs when it is one of several shards: rows for sums of which every shard has parts, two by turns, since others
/// still read the ones while the next are written, and the exchanges of its operations.
/// </summary>
/// <param name="collective">What the shards exchange rows with.</param>
/// <param name="allocate">Makes rows of a width.</param>
internal sealed unsafe class CpuShard(ICollective collective, Func<RowSet, int, CpuRows> allocate)
{
    private readonly List<CpuRows[]> _parts = [];
    private int[] _owners = [];
    private int[] _entryOwners = [];
    private int _turn;

    /// <summary>What the shards exchange rows with.</summary>
    public ICollective Collective => collective;

    /// <summary>Rows for the next sum.</summary>
    public CpuRows Parts(RowSet rows, int width)
    {
        _turn ^= 1;
        foreach (CpuRows[] parts in _parts)
        {
            if (parts[0].Rows == rows && parts[0].Width == width)
            {
                return parts[_turn];
            }
        }

        _parts.Add([allocate(rows, width), allocate(rows, width)]);
        return _parts[^1][_turn];
    }

    /// <summary>Every shard has shrunk to some of the ranks: brings them together.</summary>
    public void GatherRanks(LoraWork work)
    {
        Exchange exchange = collective.Next();
        AddRanks(exchange, work, owners: null);
        collective.Gather(exchange);
    }

    /// <summary>Adds up this shard's columns of the sums and its ranks of what has been shrunk from them.</summary>
    /// <param name="parts">The sums over this shard's inputs.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="bias">Added to the sums; null for none.</param>
    /// <param name="work">What has been shrunk; null for nothing.</param>
    /// <param name="own">What rows of weights that generations have give, which are sums too; null for nothing.</param>
    public void Reduce(CpuRows parts, int rows, CpuVector? bias, LoraWork? work, LoraWork? own = null)
    {
        Exchange exchange = collective.Next();
        exchange.Add(Piece(parts, parts, rows));
        if (work is not null)
        {
            AddRanks(exchange, work, owners: null);
        }

        if (own is not null)
        {
            AddRanks(exchange, own, owners: null, isOfRanks: false);
        }

        collective.Reduce(exchange);
        if (bias is not null)
        {
            (int first, int end) = Shares.OfColumns(parts.Width, collective.Shard, collective.Shards);
            for (int row = 0; row < rows; row++)
            {
                float* sums = parts.Row(row);
                for (int column = first; column < end; column++)
                {
                    sums[column] += bias.Data[column];
                }
            }
        }
    }

    /// <summary>Brings the columns of all shards together.</summary>
    public void Gather(CpuRows parts, int rows, CpuRows y)
    {
        Exchange exchange = collective.Next();
        exchange.Add(Piece(parts, y, rows));
        collective.Gather(exchange);
    }

    /// <summary>Adds up this shard's ranks of what has been shrunk from the inputs of all shards.</summary>
    public void ReduceRanks(LoraWork work)
    {
        Exchange exchange = collective.Next();
        AddRanks(exchange, work, owners: null);
        collective.Reduce(exchange);
    }

    /// <summary>Brings together what each shard has computed of each of its heads.</summary>
    public void GatherHeads(CpuRows parts, int rows, Split heads)
    {
        Exchange exchange = collective.Next();
        exchange.Add(Piece(parts, parts, rows) with { Heads = heads.With(1) });
        collective.Gather(exchange);
    }

    /// <summary>Takes every row, and what has been shrunk of it, from the shard that has the token's entry.</summary>
    /// <param name="split">How the table is cut.</param>
    /// <param name="tokens">Token per row.</param>
    /// <param name="looked">The rows that this shard has looked up; null if only what has been shrunk is to be taken.</param>
    /// <param name="y">Where all rows go.</param>
    /// <param name="work">What has been shrunk; null for nothing.</param>
    public void GatherEntries(Split split, ReadOnlySpan<int> tokens, CpuRows? looked, CpuRows y, LoraWork? work)
    {
        FindOwners(split, tokens);
        Exchange exchange = collective.Next();
        fixed (int* owners = _owners)
        {
            if (looked is not null)
            {
                exchange.Add(Piece(looked, y, tokens.Length) with { Owners = owners });
            }

            if (work is null)
            {
                collective.Gather(exchange);
                return;
            }

            ReadOnlySpan<int> rows = work.Entries.Rows;
            if (_entryOwners.Length < rows.Length)
            {
                _entryOwners = new int[Math.Max(rows.Length, 2 * _entryOwners.Length)];
            }

            for (int entry = 0; entry < rows.Length; entry++)
            {
                _entryOwners[entry] = _owners[rows[entry]];
            }

            fixed (int* entryOwners = _entryOwners)
            {
                AddRanks(exchange, work, entryOwners);
                collective.Gather(exchange);
            }
        }
    }

    private static ExchangePiece Piece(CpuRows parts, CpuRows y, int rows) => new()
    {
        Data = parts.Data,
        Stride = parts.Stride,
        Rows = rows,
        Columns = parts.Width,
        To = y.Data,
        ToStride = y.Stride,
    };

    private static void AddRanks(Exchange exchange, LoraWork work, int* owners, bool isOfRanks = true)
    {
        foreach (ref readonly LoraProduct product in work.Products)
        {
            float* v = work.Shrunk + product.Shrunk;
            exchange.Add(new ExchangePiece
            {
                Data = v,
                Stride = product.Tiles.Rank,
                Rows = product.Count,
                Columns = product.Tiles.Rank,
                To = v,
                ToStride = product.Tiles.Rank,
                IsLora = true,
                IsOfRanks = isOfRanks,
                Owners = owners is null ? null : owners + product.FirstEntry,
            });
        }
    }

    private void FindOwners(Split split, ReadOnlySpan<int> tokens)
    {
        if (_owners.Length < tokens.Length)
        {
            _owners = new int[Math.Max(tokens.Length, 2 * _owners.Length)];
        }

        for (int row = 0; row < tokens.Length; row++)
        {
            // The last shard has the tokens that the model does not have.
            int shard = 0;
            while (shard < collective.Shards - 1 && tokens[row] >= split.Of(shard, collective.Shards).End)
            {
                shard++;
            }

            _owners[row] = shard;
        }
    }
}
