namespace SLoRA.Scheduling;

/// <summary>
/// What is told of accounts: the first few have a slot each, the others share one, so that it is the same however many come. Belongs to
/// the engine's thread.
/// </summary>
/// <param name="maxNames">Accounts that may have a slot of their own.</param>
internal sealed class AccountBook(int maxNames)
{
    private readonly Dictionary<string, AccountSlot> _named = [];
    private readonly List<AccountSlot> _changed = [];
    private AccountSlot? _others;

    /// <summary>Slots that have changed since they were told last.</summary>
    public IReadOnlyList<AccountSlot> Changed => _changed;

    /// <summary>Slots that there are.</summary>
    public int Count => _named.Count + (_others is null ? 0 : 1);

    /// <summary>Where an account is written; the same for one that was forgotten and returns.</summary>
    public AccountSlot SlotOf(string name)
    {
        if (_named.TryGetValue(name, out AccountSlot? slot))
        {
            return slot;
        }

        return _named.Count < maxNames ? _named[name] = new AccountSlot(name, Count) : _others ??= new AccountSlot(null, Count);
    }

    /// <summary>Something of an account changes.</summary>
    public void Note(Account account)
    {
        AccountSlot slot = account.Slot;
        slot.Counter = slot.Name is null ? 0 : account.Total;
        if (!slot.HasChanged)
        {
            slot.HasChanged = true;
            _changed.Add(slot);
        }
    }

    /// <summary>All that has changed has been told.</summary>
    public void Told()
    {
        foreach (AccountSlot slot in _changed)
        {
            slot.HasChanged = false;
        }

        _changed.Clear();
    }
}
