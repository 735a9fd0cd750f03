using System.Runtime.Intrinsics;
using SLoRA.Backends.Sharded;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Adds what all shards have in the columns of this one, as a balanced tree over the shards: they are the branches of one tree over the
/// leaves of the sum (<see cref="Split"/>).
/// </summary>
internal sealed unsafe class ReduceJob(int workers, int shards) : ExchangeJob(workers, shards)
{
    /// <inheritdoc/>
    protected override void Execute(in ExchangePiece own, int piece, int row)
    {
        float** rows = stackalloc float*[Split.LargestLeaves];
        for (int shard = 0; shard < Shards; shard++)
        {
            ref readonly ExchangePiece other = ref PieceOf(shard, piece);
            rows[shard] = other.Data + (row * other.Stride);
        }

        float* sums = rows[Shard];
        (int first, int end) = own.ColumnsOf(Shard, Shards);
        int column = first;
        for (; column + Lanes.Count <= end; column += Lanes.Count)
        {
            Vectors(rows, column, Shards).Store(sums + column);
        }

        for (; column < end; column++)
        {
            sums[column] = Numbers(rows, column, Shards);
        }
    }

    private static Vector512<float> Vectors(float** rows, int column, int count) => count == 1
        ? Vector512.Load(rows[0] + column)
        : Vectors(rows, column, count / 2) + Vectors(rows + (count / 2), column, count / 2);

    private static float Numbers(float** rows, int column, int count) => count == 1
        ? rows[0][column]
        : Numbers(rows, column, count / 2) + Numbers(rows + (count / 2), column, count / 2);
}
