using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Who makes way for whom where accounts share what there is to hold, and not only the order of their turns. A request that waits takes
/// pages and places of accounts that have been given at least as much as its own, and that hold more by their weight, even when they have
/// made way. So what accounts hold comes nearer to equal shares with every claim, and nothing goes back and forth. Belongs to the engine's
/// thread.
/// </summary>
internal sealed class Claims
{
    private readonly List<Account> _counted = [];

    /// <summary>All that there is to hold. Said once, before the first step.</summary>
    public Holding Whole { get; set; }

    /// <summary>Chooses which of those that run make way for one that waits.</summary>
    /// <param name="claimant">The one that waits.</param>
    /// <param name="running">Those that run, in the order of the queue.</param>
    /// <param name="need">What it is going to hold.</param>
    /// <param name="missing">What there is too little of.</param>
    /// <param name="victims">Receives those who make way: no more than are needed, and nobody if all who would are too few.</param>
    /// <returns>Whether there are any.</returns>
    public bool TryChoose(
        Sequence claimant, IReadOnlyList<Sequence> running, Holding need, Holding missing, List<Sequence> victims)
    {
        victims.Clear();
        Count(running);
        Account account = AccountOf(claimant);
        double share = account.ShareOf((account.IsCounted ? account.Held : default) + need, Whole);
        for (int i = running.Count - 1; i >= 0 && !missing.IsNone; i--)
        {
            Sequence sequence = running[i];
            Account other = AccountOf(sequence);
            Holding left = other.Held - Holding.Of(sequence);
            if (sequence.Finished is null && MayTake(claimant, sequence) && other.ShareOf(left, Whole) >= share)
            {
                other.Held = left;
                missing -= Freed(sequence);
                victims.Add(sequence);
            }
        }

        if (!missing.IsNone)
        {
            victims.Clear();
        }

        // Those chosen first are the least deserving; with a large one behind them they may not be needed.
        for (int i = victims.Count - 1; i >= 0; i--)
        {
            if ((missing + Freed(victims[i])).IsNone)
            {
                missing += Freed(victims[i]);
                victims.RemoveAt(i);
            }
        }

        Forget();
        return victims.Count > 0;
    }

    /// <summary>
    /// Says which prompts are computed first, where there are several: those of the accounts that hold least. The others make way.
    /// </summary>
    /// <param name="prompts">The prompts, in the order of the queue.</param>
    /// <param name="running">Those that run.</param>
    /// <param name="first">Receives for each prompt whether it is one of the first.</param>
    /// <returns>How many are.</returns>
    public int ChooseFirst(List<Sequence> prompts, IReadOnlyList<Sequence> running, List<bool> first)
    {
        Count(running);
        int priority = int.MinValue;
        double least = double.PositiveInfinity;
        foreach (Sequence prompt in prompts)
        {
            Standing standing = Standing.Of(prompt);
            double share = standing.Account.ShareOf(standing.Account.Held, Whole);
            if (standing.Flow.Priority > priority || (standing.Flow.Priority == priority && share < least))
            {
                (priority, least) = (standing.Flow.Priority, share);
            }
        }

        int count = 0;
        first.Clear();
        foreach (Sequence prompt in prompts)
        {
            Standing standing = Standing.Of(prompt);
            bool isFirst = standing.Flow.Priority == priority && standing.Account.ShareOf(standing.Account.Held, Whole) <= least;
            first.Add(isFirst);
            count += isFirst ? 1 : 0;
        }

        Forget();
        return count;
    }

    /// <summary>
    /// Whether others of its account wait: what a prompt of it waits for its first token is little beside that, so it leaves steps short
    /// for those who may come.
    /// </summary>
    public bool Queues(Sequence prompt) => AccountOf(prompt) is { Waiting: > 0 } or { Returned: > 0 };

    /// <summary>Whether one that waits goes before one that runs, of another account.</summary>
    private static bool MayTake(Sequence claimant, Sequence running)
    {
        Standing waits = Standing.Of(claimant);
        Standing runs = Standing.Of(running);
        return waits.Account != runs.Account && !runs.HasWaitedAgain && waits.Flow.Priority >= runs.Flow.Priority
            && waits.Account.Total <= runs.Account.Total;
    }

    private static Holding Freed(Sequence sequence) => new(sequence.Table.Freed, 1 + sequence.PendingForks);

    private static Account AccountOf(Sequence sequence) => Standing.Of(sequence).Account;

    private void Count(IReadOnlyList<Sequence> running)
    {
        for (int i = 0; i < running.Count; i++)
        {
            Account account = AccountOf(running[i]);
            if (!account.IsCounted)
            {
                account.IsCounted = true;
                account.Held = default;
                _counted.Add(account);
            }

            account.Held += Holding.Of(running[i]);
        }
    }

    private void Forget()
    {
        foreach (Account account in _counted)
        {
            account.IsCounted = false;
        }

        _counted.Clear();
    }
}
