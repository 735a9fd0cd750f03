using ILGPU;
using SLoRA.Backends.Sharded;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// How one of several devices exchanges blocks with the others: each fills its memory with what it sends, shows it, meets the others on
/// the host, and takes what they have shown. All make the same calls in the same order.
/// </summary>
/// <param name="shard">Which shard this is.</param>
/// <param name="meeting">Where the shards meet.</param>
/// <param name="link">How blocks go from one to another.</param>
/// <param name="clock">Tells how long it takes.</param>
internal sealed class GpuCollective(int shard, Meeting meeting, ShardLink link, ExchangeClock clock)
{
    private static readonly Exchange Nothing = new();

    private readonly BlockMove[] _moves = new BlockMove[meeting.Shards - 1];
    private long _meetings;
    private int _turn;
    private int _baseMeetings;
    private int _loraMeetings;
    private long _baseElements;
    private long _loraElements;

    /// <summary>Which shard this is.</summary>
    public int Shard => shard;

    /// <summary>Shards.</summary>
    public int Shards => meeting.Shards;

    /// <summary>The memory to fill with what is sent next.</summary>
    public ArrayView<float> Sent => link.Sent(_turn);

    /// <summary>What was taken at the last meeting.</summary>
    public ArrayView<float> Received => link.Received;

    /// <summary>What this shard has exchanged since the step began; times are there when the step has ended.</summary>
    public StepExchange Exchanged
    {
        get
        {
            (long baseTicks, long loraTicks) = clock.TicksOf(_baseMeetings, _loraMeetings);
            return new StepExchange(_baseMeetings, _baseElements, _loraMeetings, _loraElements, baseTicks, loraTicks);
        }
    }

    /// <summary>Begins a step whose blocks, all that go at one meeting together, have at most so many numbers.</summary>
    public void BeginStep(long numbers)
    {
        link.Reserve(numbers);
        clock.BeginStep();
        (_baseMeetings, _loraMeetings, _baseElements, _loraElements) = (0, 0, 0, 0);
    }

    /// <summary>An exchange begins: what is launched until <see cref="Show"/> fills <see cref="Sent"/>.</summary>
    public void Begin() => clock.Start();

    /// <summary>Everything is launched that fills so many numbers from the beginning of <see cref="Sent"/> on.</summary>
    public void Show(long numbers) => link.Show(_turn, numbers);

    /// <summary>
    /// Other operations are launched beside the exchange: from here to <see cref="Resume"/> its time does not count.
    /// </summary>
    public void Suspend(bool isLora) => clock.Stop(isLora);

    /// <summary>They are launched.</summary>
    public void Resume() => clock.Start();

    /// <summary>
    /// Meets the others and takes a block from each: block s of <see cref="Received"/> is that of shard s. The next call's
    /// <see cref="Sent"/> is another memory.
    /// </summary>
    /// <param name="stride">Numbers of a block.</param>
    /// <param name="perTarget">Whether everyone sends each shard a block of its own, one behind the other, or all the same.</param>
    public void Take(long stride, bool perTarget)
    {
        int next = 0;
        for (int peer = 0; peer < Shards; peer++)
        {
            if (peer != shard)
            {
                _moves[next++] = new BlockMove(
                    peer, perTarget ? peer * stride : 0, stride, perTarget ? shard * stride : 0, stride, peer * stride);
            }
        }

        Take();
    }

    /// <summary>The same with blocks of different length, one behind the other in <see cref="Received"/>.</summary>
    /// <param name="before">Numbers that every block begins with.</param>
    /// <param name="width">Numbers of a row.</param>
    /// <param name="rowEnds">Where the rows of each shard's block end, counted through all.</param>
    public void TakeRows(long before, int width, ReadOnlySpan<int> rowEnds)
    {
        int next = 0;
        long to = 0;
        for (int peer = 0; peer < Shards; peer++)
        {
            long numbers = before + ((long)RowsOf(peer, rowEnds) * width);
            if (peer != shard)
            {
                long own = before + ((long)RowsOf(shard, rowEnds) * width);
                _moves[next++] = new BlockMove(peer, 0, own, 0, numbers, to);
            }

            to += numbers;
        }

        Take();

        static int RowsOf(int shard, ReadOnlySpan<int> ends) => ends[shard] - (shard == 0 ? 0 : ends[shard - 1]);
    }

    /// <summary>An exchange has ended: everything is launched that reads <see cref="Received"/>.</summary>
    /// <param name="baseElements">Numbers of the base that this shard needed of the others.</param>
    /// <param name="loraElements">Those of adapters.</param>
    /// <param name="isLora">Whether there would be no meeting without adapters.</param>
    public void End(long baseElements, long loraElements, bool isLora)
    {
        clock.Stop(isLora);
        _baseElements += baseElements;
        _loraElements += loraElements;
        _baseMeetings += isLora ? 0 : 1;
        _loraMeetings += isLora ? 1 : 0;
    }

    /// <summary>Ends a step, of which everything is computed.</summary>
    public void EndStep() => clock.EndStep(_baseMeetings, _loraMeetings);

    private void Take()
    {
        meeting.Meet(shard, _meetings++, Nothing);
        link.Take(_turn, _moves);
        _turn ^= 1;
    }
}
