using SLoRA.Backends.Sharded;

namespace SLoRA.Backends.Cpu;

/// <summary>Copies what every shard has of the rows of an exchange.</summary>
internal sealed unsafe class GatherJob(int workers, int shards) : ExchangeJob(workers, shards)
{
    /// <inheritdoc/>
    protected override void Execute(in ExchangePiece own, int piece, int row)
    {
        float* to = own.To + (row * own.ToStride);
        if (own.Owners is not null)
        {
            ref readonly ExchangePiece owner = ref PieceOf(own.Owners[row], piece);
            Copy(owner.Data + (row * owner.Stride), to, own.Columns);
            return;
        }

        for (int shard = 0; shard < Shards; shard++)
        {
            ref readonly ExchangePiece other = ref PieceOf(shard, piece);
            (int first, int end) = own.ColumnsOf(shard, Shards);
            Copy(other.Data + (row * other.Stride) + first, to + first, end - first);
        }
    }

    private static void Copy(float* from, float* to, int columns)
    {
        if (from != to)
        {
            new ReadOnlySpan<float>(from, columns).CopyTo(new Span<float>(to, columns));
        }
    }
}
