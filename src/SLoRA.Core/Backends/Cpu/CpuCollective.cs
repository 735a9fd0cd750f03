using System.Diagnostics;
using SLoRA.Backends.Sharded;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>Shards in the memory of one process: each reads what it needs from the others, with all of its threads.</summary>
/// <param name="shard">Which shard this is.</param>
/// <param name="meeting">Where the shards meet.</param>
/// <param name="threads">The threads of this shard.</param>
internal sealed class CpuCollective(int shard, Meeting meeting, ComputeThreads threads) : ICollective
{
    private readonly Exchange[] _exchanges = [new(), new()];
    private readonly ReduceJob _reduce = new(threads.Count, meeting.Shards);
    private readonly GatherJob _gather = new(threads.Count, meeting.Shards);
    private long _meetings;
    private StepExchange _exchanged;

    /// <inheritdoc/>
    public int Shard => shard;

    /// <inheritdoc/>
    public int Shards => meeting.Shards;

    /// <inheritdoc/>
    public StepExchange Exchanged => _exchanged;

    /// <inheritdoc/>
    public void BeginStep() => _exchanged = default;

    /// <inheritdoc/>
    public Exchange Next()
    {
        Exchange next = _exchanges[_meetings & 1];
        next.Clear();
        return next;
    }

    /// <inheritdoc/>
    public void Reduce(Exchange exchange)
    {
        long start = Stopwatch.GetTimestamp();
        ReadOnlySpan<Exchange> all = meeting.Meet(shard, _meetings++, exchange);
        Run(_reduce, _reduce.Prepare(exchange, all, shard));
        Count(exchange, reduces: true, Stopwatch.GetTimestamp() - start);
    }

    /// <inheritdoc/>
    public void Gather(Exchange exchange)
    {
        long start = Stopwatch.GetTimestamp();
        ReadOnlySpan<Exchange> all = meeting.Meet(shard, _meetings++, exchange);
        Run(_gather, _gather.Prepare(exchange, all, shard));
        Count(exchange, reduces: false, Stopwatch.GetTimestamp() - start);
    }

    private void Run(ComputeJob job, int parts)
    {
        if (parts > 0)
        {
            threads.Run(job, parts);
        }
    }

    private void Count(Exchange exchange, bool reduces, long ticks)
    {
        long lora = 0;
        long others = 0;
        foreach (ref readonly ExchangePiece piece in exchange.Pieces)
        {
            long elements = Received(piece, reduces);
            lora += piece.IsLora ? elements : 0;
            others += piece.IsLora ? 0 : elements;
        }

        bool isLora = exchange.IsLora;
        _exchanged = new StepExchange(
            _exchanged.BaseMeetings + (isLora ? 0 : 1),
            _exchanged.BaseElements + others,
            _exchanged.LoraMeetings + (isLora ? 1 : 0),
            _exchanged.LoraElements + lora,
            _exchanged.BaseTicks + (isLora ? 0 : ticks),
            _exchanged.LoraTicks + (isLora ? ticks : 0));
    }

    /// <summary>Numbers that this shard takes from the others.</summary>
    private unsafe long Received(in ExchangePiece piece, bool reduces)
    {
        if (piece.Owners is not null)
        {
            long rows = 0;
            for (int row = 0; row < piece.Rows; row++)
            {
                rows += piece.Owners[row] == shard ? 0 : 1;
            }

            return rows * piece.Columns;
        }

        (int first, int end) = piece.ColumnsOf(shard, Shards);
        return (long)piece.Rows * (reduces ? (Shards - 1) * (end - first) : piece.Columns - (end - first));
    }
}
