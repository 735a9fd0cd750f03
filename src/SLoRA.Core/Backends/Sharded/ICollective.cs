using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <summary>
/// How a shard exchanges rows with the others. Every shard has one of its own, all make the same calls in the same order, and each call is
/// a meeting: it waits for the others. A call ends with an error on every shard when one of them has failed.
/// </summary>
internal interface ICollective
{
    /// <summary>Which of the shards this is.</summary>
    int Shard { get; }

    /// <summary>Shards.</summary>
    int Shards { get; }

    /// <summary>What has been exchanged since the step began.</summary>
    StepExchange Exchanged { get; }

    /// <summary>Begins a step.</summary>
    void BeginStep();

    /// <summary>An empty exchange to fill for the next call.</summary>
    Exchange Next();

    /// <summary>
    /// Makes the columns of this shard in every piece the sums of what the shards have there, added as a balanced tree: the first half of
    /// an all-reduce.
    /// </summary>
    void Reduce(Exchange exchange);

    /// <summary>
    /// Brings together what each shard has of every row, its columns or all of them: an all-gather, or the second half of an all-reduce.
    /// What is gathered may not be changed before the meeting after the next.
    /// </summary>
    void Gather(Exchange exchange);
}
