using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Says who goes before whom, wherever sequences compete: who of those that wait runs next, whose adapters are read and brought into pages
/// first, which of those that run get rows and pages first, and, from the other end, which of them are preempted. It keeps those that wait
/// in whatever structure serves it, and is told of all that happens to them. Belongs to the engine's thread.
/// </summary>
/// <remarks>
/// What it promises: <see cref="Compare"/> is a total order over all sequences that wait or run, <see cref="Next"/> and
/// <see cref="NextReady"/> walk those that wait in it, and it changes in <see cref="Begin"/> alone, whatever is charged in between; so
/// lists that were sorted by it stay sorted for a step. The one exception is a sequence that is admitted for the first time, which may go
/// elsewhere by that. Nothing it does in a step may cost more because more sequences wait, apart from what happens to them. Under
/// over-commit the first that runs takes pages from the others: an order that changes gives it time for a token before another is the
/// first, or they would take each other's pages for ever.
/// </remarks>
internal interface IQueueOrder
{
    /// <summary>Sequences that wait.</summary>
    int Count { get; }

    /// <summary>Those of them that are not known to lack the content of an adapter.</summary>
    int Ready { get; }

    /// <summary>Those that have their content and wait because of a limit of their own, as far as that is known.</summary>
    int OverQuota => 0;

    /// <summary>
    /// When somebody may run who may not now although nothing else happens; <see cref="long.MaxValue"/> for never. A timestamp of the
    /// engine's clock.
    /// </summary>
    long NextChange => long.MaxValue;

    /// <summary>What is told of accounts; null when it keeps none.</summary>
    AccountBook? Accounts => null;

    /// <summary>Who makes way for whom; null where what runs is not interrupted for others.</summary>
    Claims? Claims => null;

    /// <summary>A step begins: from here on counts what has been charged, and the order stays as it is until the next one.</summary>
    /// <param name="running">The sequences that run.</param>
    /// <param name="now">Timestamp of the engine's clock.</param>
    void Begin(IReadOnlyList<Sequence> running, long now);

    /// <summary>A sequence waits that has just arrived.</summary>
    /// <param name="sequence">The sequence; its request knows the number of its arrival.</param>
    /// <param name="isReady">Whether the content of its adapters is in memory.</param>
    void Arrive(Sequence sequence, bool isReady);

    /// <summary>A sequence that has been preempted waits again.</summary>
    void Return(Sequence sequence);

    /// <summary>A waiting sequence is to run. If it is the first time, its request does not know of it yet.</summary>
    void Admit(Sequence sequence);

    /// <summary>A waiting sequence has ended.</summary>
    void Leave(Sequence sequence);

    /// <summary>Says whether the content of a waiting sequence's adapters is in memory.</summary>
    void SetReady(Sequence sequence, bool isReady);

    /// <summary>The waiting sequence that comes next, whether it could run or not; null when there is none.</summary>
    /// <param name="after">The one to begin behind, which need not wait any more; null for the first.</param>
    Sequence? Next(Sequence? after);

    /// <summary>
    /// The same among those that have their content and are within their limits. One that has run may be among them although it lacks
    /// content: who admits looks for himself.
    /// </summary>
    /// <inheritdoc cref="Next"/>
    Sequence? NextReady(Sequence? after);

    /// <summary>
    /// Negative when the first of two sequences, waiting or running, goes before the second; 0 only for one and the same.
    /// </summary>
    int Compare(Sequence a, Sequence b);

    /// <summary>
    /// Whether an adapter that the program brings into pages goes before a waiting sequence, which then leaves it its pages.
    /// </summary>
    bool GoesBefore(Preload preload, Sequence sequence);

    /// <summary>The engine has worked for a sequence, which waits, runs or has just ended.</summary>
    void Charge(Sequence sequence, Served served);

    /// <summary>Requests for which it is too late, each with the error that it ends with. Valid until the next call.</summary>
    /// <param name="now">Timestamp of the engine's clock.</param>
    IReadOnlyList<ExpiredRequest> Expired(long now);
}
