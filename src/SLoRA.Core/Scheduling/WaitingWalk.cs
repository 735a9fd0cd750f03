using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// One walk over all that wait: sequences that were preempted, and requests that never ran. The former go before the latter; or where
/// those that run make way for others, by what their accounts have been given, as everybody else, until they have waited for too long.
/// Belongs to the engine's thread.
/// </summary>
/// <param name="returned">Those that were preempted.</param>
/// <param name="turns">Those that never ran.</param>
/// <param name="merges">Whether those that were preempted stand among the others.</param>
internal sealed class WaitingWalk(ReturnedSequences returned, Turns turns, bool merges)
{
    private static readonly Func<Sequence, Standing, bool> GoesBeforeIt = IsBefore;

    /// <summary>Whether a sequence that was preempted goes before a request that never ran.</summary>
    public bool GoesBefore(Sequence sequence, Standing standing) => !merges || IsBefore(sequence, standing);

    /// <summary>The next one.</summary>
    /// <param name="after">The one to begin behind, which need not wait any more; null for the first.</param>
    /// <param name="onlyReady">Whether those are left out that are known not to be able to run.</param>
    public Sequence? Next(Sequence? after, bool onlyReady)
    {
        if (after is not null && Standing.Of(after) is var behind && IsOfTurns(after, behind))
        {
            int place = turns.Behind(behind);
            return First(merges ? returned.FirstNot(GoesBeforeIt, behind) : null, place, onlyReady);
        }

        Sequence? next = returned.Next(after);
        return merges ? First(next, after is null ? 0 : PlaceBehind(after, onlyReady), onlyReady)
            : next ?? turns.At(0, onlyReady)?.Sequence;
    }

    /// <summary>Whether a sequence was met among those that never ran, in this step.</summary>
    private static bool IsOfTurns(Sequence sequence, Standing standing) =>
        standing.Sequence == sequence && (standing.IsWaiting || standing.Reached != Standing.Unreached);

    private static bool IsBefore(Sequence sequence, Standing standing)
    {
        Standing own = Standing.Of(sequence);
        TurnRank rank = standing.Reached != Standing.Unreached
            ? standing.Rank
            : new TurnRank(standing.Flow.Priority, standing.Account.Counter, standing.Account.Returned > 0);
        return own.HasWaitedAgain || !rank.Passes(own.Flow.Priority, own.Account.Counter);
    }

    private Sequence? First(Sequence? next, int place, bool onlyReady)
    {
        Standing? standing = turns.At(place, onlyReady);
        return standing is null || (next is not null && IsBefore(next, standing)) ? next : standing.Sequence;
    }

    /// <summary>The place of the first that never ran behind one that was preempted.</summary>
    private int PlaceBehind(Sequence sequence, bool onlyReady)
    {
        int place = 0;
        while (turns.At(place, onlyReady) is { } standing && !IsBefore(sequence, standing))
        {
            place = standing.Reached + 1;
        }

        return place;
    }
}
