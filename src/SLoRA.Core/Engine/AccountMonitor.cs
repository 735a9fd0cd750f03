using SLoRA.Scheduling;

namespace SLoRA.Engine;

/// <summary>
/// What the outside may see of accounts: written by the engine's thread between steps, as far as it has changed; read by any thread without
/// a lock. What is said of one account is of one moment.
/// </summary>
/// <param name="book">The engine's own books.</param>
/// <param name="clock">The engine's clock.</param>
internal sealed class AccountMonitor(AccountBook book, TimeProvider clock)
{
    private volatile Published[] _published = [];

    /// <summary>Shows what has changed. Allocates when an account is shown for the first time.</summary>
    public void Observe()
    {
        if (book.Changed.Count == 0)
        {
            return;
        }

        for (int i = 0; i < book.Changed.Count; i++)
        {
            AccountSlot slot = book.Changed[i];
            while (_published.Length <= slot.Number)
            {
                _published = [.. _published, new Published()];
            }

            Published published = _published[slot.Number];
            published.Counts.Write(new AccountCounts(
                slot.Waiting, slot.Oldest?.Sequence.Request.Arrived ?? 0, slot.PromptRows, slot.Tokens, slot.Aborted, slot.Counter));
            published.Name ??= slot.Name ?? MetricsOptions.OtherAccounts;
        }

        book.Told();
    }

    /// <summary>How accounts stand. Any thread.</summary>
    public IReadOnlyList<AccountStatus> Status()
    {
        long now = clock.GetTimestamp();
        return [.. _published.Where(account => account.Name is not null).Select(account => Status(account, now))];
    }

    private AccountStatus Status(Published account, long now)
    {
        AccountCounts counts = account.Counts.Read();
        return new AccountStatus(account.Name!)
        {
            Waiting = counts.Waiting,
            OldestWait = counts.Waiting > 0 ? clock.GetElapsedTime(counts.OldestArrived, now) : TimeSpan.Zero,
            PromptTokens = counts.PromptRows,
            GeneratedTokens = counts.Tokens,
            Counter = counts.Counter,
            AbortedRequests = counts.Aborted,
        };
    }

    private sealed class Published
    {
        private volatile string? _name;

        /// <summary>The account; null before anything has been shown of it.</summary>
        public string? Name
        {
            get => _name;
            set => _name = value;
        }

        public SequenceLock<AccountCounts> Counts { get; } = new();
    }
}

/// <summary>The numbers of one account.</summary>
internal readonly record struct AccountCounts(
    int Waiting, long OldestArrived, long PromptRows, long Tokens, long Aborted, double Counter);
