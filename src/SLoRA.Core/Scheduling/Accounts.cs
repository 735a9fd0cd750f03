namespace SLoRA.Scheduling;

/// <summary>
/// What everybody has been given: the counters of the virtual token counter. Belongs to the engine's thread.
/// </summary>
/// <param name="shares">Prices and weights; null when nothing is shared out: then there is one account, and nothing is charged.</param>
internal sealed class Accounts(FairShares? shares)
{
    /// <summary>The most accounts that are remembered of whom nobody waits; further ones are forgotten, the longest idle first.</summary>
    public const int MaxIdle = 16_384;

    private readonly Dictionary<string, Account> _accounts = [];
    private readonly Dictionary<string, double> _weights = shares is null ? [] : new(shares.Weights);
    private readonly Heap<Account> _waiting = new(Account.CompareTotals, 0);
    private readonly Queue<Account> _idle = [];
    private readonly double _pageInPrice = (shares?.PageInPrice ?? 0) / (1 << 20);
    private Account? _lastAdmitted;
    private long _opened;

    /// <summary>What a token costs.</summary>
    public double OutputPrice { get; } = shares?.OutputPrice ?? 0;

    /// <summary>Whose a request is.</summary>
    public Account Of(GenerationRequest request)
    {
        string key = shares?.Key switch
        {
            null => "",
            ShareKey.Client => request.ClientId ?? "",
            _ => request.Adapter ?? (request.Adapters.Count > 0 ? request.Adapters[0].Name : ""),
        };
        if (!_accounts.TryGetValue(key, out Account? account))
        {
            _accounts.Add(key, account = new Account(key, ++_opened, _weights.GetValueOrDefault(key, 1)));
        }

        return account;
    }

    /// <summary>
    /// A request has arrived. If it is the only one of its account that waits, the account is lifted to the least of those of whom
    /// somebody waits; if nobody does, to the one whose request was admitted last.
    /// </summary>
    public void Arrived(Account account)
    {
        if (account.Waiting++ > 0)
        {
            return;
        }

        account.Lift((_waiting.First ?? _lastAdmitted)?.Total ?? 0);
        _waiting.Add(account);
    }

    /// <summary>A request waits no more.</summary>
    public void Left(Account account, bool isAdmitted)
    {
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
    public void Charge(Account account, Served served) =>
        Charge(account, (served.OutputRows * OutputPrice) + (served.PageInBytes * _pageInPrice));

    private void Charge(Account account, double amount)
    {
        if (shares is null || amount == 0)
        {
            return;
        }

        account.Charge(amount);
        if (account.Waiting > 0)
        {
            _waiting.Update(account);
        }
    }

    /// <summary>Whoever is forgotten and returns starts with the least of those who wait, as everybody who is new.</summary>
    private void NoteIdle(Account account)
    {
        if (!account.IsIdle)
        {
            account.IsIdle = true;
            _idle.Enqueue(account);
        }

        while (_idle.Count > MaxIdle)
        {
            Account oldest = _idle.Dequeue();
            oldest.IsIdle = false;
            if (oldest.Waiting == 0)
            {
                _accounts.Remove(oldest.Key);
            }
        }
    }
}
