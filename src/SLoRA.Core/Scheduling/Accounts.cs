namespace SLoRA.Scheduling;

/// <summary>
/// What everybody has been given: the counters of the virtual token counter, and what quotas leave. Belongs to the engine's thread.
/// </summary>
internal sealed class Accounts
{
    /// <summary>The most accounts that are remembered of whom nobody waits; further ones are forgotten, the longest idle first.</summary>
    public const int MaxIdle = 16_384;

    private readonly SchedulingPolicy _policy;
    private readonly TimeProvider _clock;
    private readonly Dictionary<string, Account> _accounts = [];
    private readonly Heap<Account> _waiting = new(Account.CompareTotals, 0);
    private readonly Queue<Account> _idle = [];
    private readonly double _pageInPrice;
    private readonly double _outputPrice;
    private Account? _lastAdmitted;
    private long _opened;

    /// <summary>Nobody has been given anything.</summary>
    /// <param name="policy">Whose requests are an account, weights, prices and quotas.</param>
    /// <param name="clock">The engine's.</param>
    /// <param name="maxNames">Accounts of which is told by name.</param>
    public Accounts(SchedulingPolicy policy, TimeProvider clock, int maxNames)
    {
        Book = new AccountBook(maxNames);
        _policy = policy;
        _clock = clock;
        _outputPrice = policy.Shares?.OutputPrice ?? 0;
        _pageInPrice = (policy.Shares?.PageInPrice ?? 0) / (1 << 20);
    }

    /// <summary>What is told of them.</summary>
    public AccountBook Book { get; }

    /// <summary>How many are remembered.</summary>
    public int Count => _accounts.Count;

    /// <summary>Whose a request is. Where nothing is counted, all are one account's.</summary>
    public Account Of(GenerationRequest request)
    {
        string key = !_policy.HasAccounts ? "" : _policy.Key switch
        {
            AccountKey.Client => request.ClientId ?? "",
            AccountKey.Account => request.Account ?? request.ClientId ?? "",
            _ => request.Adapter ?? (request.Adapters.Count > 0 ? request.Adapters[0].Name : ""),
        };
        if (!_accounts.TryGetValue(key, out Account? account))
        {
            Quota? quota = _policy.Quotas.GetValueOrDefault(key) ?? _policy.Quota;
            double weight = _policy.Shares?.Weights.GetValueOrDefault(key, 1) ?? 1;
            Allowance? allowance = quota is null ? null : new Allowance(quota, _clock.TimestampFrequency);
            account = new Account(key, ++_opened, weight, allowance, Book.SlotOf(key));
            _accounts.Add(key, account);
        }

        return account;
    }

    /// <summary>
    /// A request has arrived. If it is the only one of its account that waits, the account is lifted to the least of those of whom
    /// somebody waits; if nobody does, to the one whose request was admitted last.
    /// </summary>
    public void Arrived(Standing standing)
    {
        Account account = standing.Account;
        account.Slot.Add(standing);
        if (account.Waiting++ == 0)
        {
            double least = (_waiting.First ?? _lastAdmitted)?.Total ?? 0;

            // Where others make way for it, the one that returns goes before its equals, and not after a step in which they are given more.
            account.Lift(_policy.Shares is { Preempts: true } ? Math.BitDecrement(least) : least);
            _waiting.Add(account);
        }

        Book.Note(account);
    }

    /// <summary>A request waits no more.</summary>
    public void Left(Standing standing, bool isAdmitted)
    {
        Account account = standing.Account;
        account.Slot.Remove(standing);
        Book.Note(account);
        if (isAdmitted)
        {
            _lastAdmitted = account;
        }

        if (--account.Waiting == 0)
        {
            _waiting.Remove(account);
            NoteIdle(account);
        }
    }

    /// <summary>An account is given rows of prompts; less than zero when it gets back what it paid for and was not computed.</summary>
    public void ChargePrompt(Account account, int rows) => Charge(account, rows);

    /// <summary>An account is given tokens and pages.</summary>
    public void Charge(Account account, Served served)
    {
        account.Slot.PromptRows += served.PromptRows;
        account.Slot.Tokens += served.OutputRows;
        Charge(account, (served.OutputRows * _outputPrice) + (served.PageInBytes * _pageInPrice));
        Book.Note(account);
    }

    /// <summary>A request is given up because of its first-token target.</summary>
    public void Aborted(Account account)
    {
        account.Slot.Aborted++;
        Book.Note(account);
    }

    private void Charge(Account account, double amount)
    {
        if (_policy.Shares is null || amount == 0)
        {
            return;
        }

        account.Charge(amount);
        Book.Note(account);
        if (account.Waiting > 0)
        {
            _waiting.Update(account);
        }
    }

    /// <summary>
    /// Whoever is forgotten and returns starts with the least of those who wait, as everybody who is new. Nobody is forgotten whose quota
    /// has been used and has not come back.
    /// </summary>
    private void NoteIdle(Account account)
    {
        if (!account.IsIdle)
        {
            account.IsIdle = true;
            _idle.Enqueue(account);
        }

        for (int tries = 2; tries > 0 && _idle.Count > MaxIdle; tries--)
        {
            Account oldest = _idle.Dequeue();
            if (oldest is { Waiting: 0, Allowance: { } allowance } && !allowance.IsWhole(_clock.GetTimestamp()))
            {
                _idle.Enqueue(oldest);
                continue;
            }

            oldest.IsIdle = false;
            if (oldest.Waiting == 0)
            {
                _accounts.Remove(oldest.Key);
            }
        }
    }
}
