using SLoRA.Backends.Sharded;

namespace SLoRA.Backends.Cpu;

/// <summary>A job over the rows of an exchange, piece after piece.</summary>
internal abstract class ExchangeJob(int workers, int shards) : RowJob(workers)
{
    private readonly Exchange[] _all = new Exchange[shards];
    private Exchange _own = null!;

    /// <summary>Which shard this is.</summary>
    protected int Shard { get; private set; }

    /// <summary>Shards.</summary>
    protected int Shards => shards;

    /// <summary>Sets the exchange and says in how many parts it comes.</summary>
    /// <param name="own">What this shard has brought.</param>
    /// <param name="all">What every shard has brought.</param>
    /// <param name="shard">Which shard this is.</param>
    public int Prepare(Exchange own, ReadOnlySpan<Exchange> all, int shard)
    {
        _own = own;
        all.CopyTo(_all);
        Shard = shard;
        return own.Rows == 0 ? 0 : Prepare(own.Rows, own.Columns);
    }

    /// <inheritdoc/>
    protected sealed override void ExecuteRow(int row)
    {
        (int piece, int place) = _own.Find(row);
        Execute(_own.Pieces[piece], piece, place);
    }

    /// <summary>Does a row of a piece.</summary>
    protected abstract void Execute(in ExchangePiece own, int piece, int row);

    /// <summary>The same piece of another shard.</summary>
    protected ref readonly ExchangePiece PieceOf(int shard, int piece) => ref _all[shard].Pieces[piece];
}
