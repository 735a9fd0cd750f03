using SLoRA.Adapters.Resident;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// For which waiting requests the engine has something already: adapters in use, adapters in the pool, pages of their prompts. What runs is
/// known in every step; what is in the pool and in the prefix cache is looked up for some of them in each, so that a step costs the same
/// however many wait. Belongs to the engine's thread.
/// </summary>
/// <param name="locality">What is preferred; null for nothing.</param>
/// <param name="turns">Those that wait.</param>
internal sealed class Affinities(LocalityPreference? locality, Turns turns)
{
    /// <summary>How many are looked up in a step, in turn, beside those of which something has just become known.</summary>
    private const int LooksPerStep = 16;

    private readonly Dictionary<(string Names, int Prefix), Affinity> _all = [];
    private readonly Dictionary<string, AdapterAffinity> _adapters = [];
    private readonly List<Affinity> _inTurn = [];
    private readonly List<Affinity> _stale = [];
    private readonly List<AdapterAffinity> _running = [];
    private int _next;
    private bool _prefersRunning;

    /// <summary>Of how many different requests something is known. For what happens seldom.</summary>
    public int Count => _all.Count;

    /// <summary>What a request that arrives has in common with others.</summary>
    public Affinity Of(Sequence sequence)
    {
        if (locality is null)
        {
            return Affinity.None;
        }

        GenerationRequest asked = sequence.Request.Asked;
        string names = asked.Adapter ?? (asked.Adapters.Count > 0 ? string.Join('\n', asked.Adapters.Select(use => use.Name)) : "");
        int prefix = locality.CachedPrefixes && sequence.Table.SharesPrefixes ? PrefixOf(sequence) : 0;
        if (!_all.TryGetValue((names, prefix), out Affinity? affinity))
        {
            if (!_adapters.TryGetValue(names, out AdapterAffinity? adapter))
            {
                _adapters.Add(names, adapter = new AdapterAffinity(names));
            }

            _all.Add((names, prefix), affinity = new Affinity(adapter, prefix));
            adapter.Affinities.Add(affinity);
            _inTurn.Add(affinity);
            Note(affinity);
        }

        return affinity;
    }

    /// <summary>Something of it may have changed: it is looked up when the next step begins.</summary>
    public void Note(Affinity affinity)
    {
        if (locality is not null && !affinity.IsStale)
        {
            affinity.IsStale = true;
            _stale.Add(affinity);
        }
    }

    /// <summary>A step begins.</summary>
    /// <param name="running">The sequences that run.</param>
    public void Begin(IReadOnlyList<Sequence> running)
    {
        if (locality is null)
        {
            return;
        }

        NoteRunning(running);
        foreach (Affinity affinity in _stale)
        {
            affinity.IsStale = false;
            LookUp(affinity);
        }

        _stale.Clear();
        for (int i = Math.Min(LooksPerStep, _inTurn.Count); i > 0; i--)
        {
            _next = _next + 1 < _inTurn.Count ? _next + 1 : 0;
            Affinity affinity = _inTurn[_next];
            if (affinity.Groups.Count == 0 && affinity.Adapter.Running == 0)
            {
                Forget(affinity);
            }
            else
            {
                LookUp(affinity);
            }
        }
    }

    private static int PrefixOf(Sequence sequence)
    {
        ReadOnlySpan<int> prompt = sequence.Request.Asked.Prompt.Span;
        if (prompt.Length <= sequence.Table.PageTokens)
        {
            return 0;
        }

        uint hash = 2_166_136_261;
        foreach (char letter in sequence.Request.Asked.CacheSalt ?? "")
        {
            hash = (hash ^ letter) * 16_777_619;
        }

        foreach (int token in prompt[..sequence.Table.PageTokens])
        {
            hash = (hash ^ (uint)token) * 16_777_619;
        }

        return hash == 0 ? 1 : (int)hash;
    }

    /// <summary>Counts who uses which adapters, and ranks those that have begun to be used, or ended.</summary>
    private void NoteRunning(IReadOnlyList<Sequence> running)
    {
        foreach (AdapterAffinity adapter in _running)
        {
            adapter.Running = 0;
        }

        int before = _running.Count;
        int distinct = 0;
        for (int i = 0; i < running.Count; i++)
        {
            AdapterAffinity adapter = Standing.Of(running[i]).Group.Affinity.Adapter;
            if (adapter.Running++ == 0)
            {
                distinct++;
                _running.Add(adapter);
            }
        }

        _prefersRunning = locality!.RunningAdapters <= distinct;
        for (int i = 0; i < _running.Count; i++)
        {
            Rank(_running[i]);
        }

        _running.RemoveRange(0, before);
    }

    private void LookUp(Affinity affinity)
    {
        if (affinity.Example is not { } example)
        {
            return;
        }

        if (locality!.ResidentAdapters)
        {
            affinity.Adapter.IsResident = AreResident(example);
            Rank(affinity.Adapter);
        }

        if (affinity.Prefix != 0 && example.CachedPrefix() is var cached && cached != affinity.CachedTokens)
        {
            turns.Withdraw(affinity);
            affinity.CachedTokens = cached;
            turns.Restore(affinity);
        }
    }

    private static bool AreResident(Sequence sequence)
    {
        foreach (Lease lease in sequence.Leases)
        {
            if (lease.Generation is not { } generation || (generation.Resident is null && !generation.IsPagingIn))
            {
                return false;
            }
        }

        return true;
    }

    private void Rank(AdapterAffinity adapter)
    {
        int rank = _prefersRunning && adapter.Running > 0 ? 0 : locality!.ResidentAdapters && adapter.IsResident ? 1 : 2;
        if (adapter.Rank == rank)
        {
            return;
        }

        foreach (Affinity affinity in adapter.Affinities)
        {
            turns.Withdraw(affinity);
        }

        adapter.Rank = rank;
        foreach (Affinity affinity in adapter.Affinities)
        {
            turns.Restore(affinity);
        }
    }

    private void Forget(Affinity affinity)
    {
        _inTurn[_next] = _inTurn[^1];
        _inTurn.RemoveAt(_inTurn.Count - 1);
        _all.Remove((affinity.Adapter.Names, affinity.Prefix));
        affinity.Adapter.Affinities.Remove(affinity);
        if (affinity.Adapter.Affinities.Count == 0)
        {
            _adapters.Remove(affinity.Adapter.Names);
        }
    }
}
