namespace SLoRA.Engine;

/// <summary>
/// The invariants of the page pool as a pure function of a snapshot: every page is free or owned by exactly as many owners as its count
/// says, no owner names a free page, what is promised adds up, what is resident is whole, states belong to one sequence each, kept prefixes
/// are whole from their first page on, and what sequences hold on adapters is counted there.
/// </summary>
internal static class InvariantValidator
{
    /// <summary>What is wrong; empty when all invariants hold.</summary>
    public static IReadOnlyList<string> Violations(EngineSnapshot snapshot)
    {
        var violations = new List<string>();
        int pageCount = snapshot.Pool.Owners.Length;
        var owners = new int[pageCount];
        int reserved = 0;
        foreach (OwnerSnapshot owner in snapshot.Sequences.Concat(snapshot.Generations))
        {
            reserved += owner.Reserved;
            foreach (int page in owner.Pages)
            {
                if (page < 0 || page >= pageCount)
                {
                    violations.Add($"A {owner.Kind} names page {page}, which does not exist.");
                    continue;
                }

                owners[page]++;
            }

            if (owner.Whole > 0 && owner.Pages.Length != owner.Whole)
            {
                violations.Add($"A {owner.Kind} has {owner.Pages.Length} of its {owner.Whole} pages.");
            }
        }

        AddStates(snapshot, violations);
        int setAside = SetAside(snapshot);
        if (setAside != snapshot.Pool.SetAside)
        {
            violations.Add($"Shared pages of windows ask for {setAside} promises, {snapshot.Pool.SetAside} are set aside.");
        }

        AddPrefixes(snapshot, owners, violations);
        AddLeases(snapshot, violations);
        for (int page = 0; page < pageCount; page++)
        {
            if (owners[page] != snapshot.Pool.Owners[page])
            {
                violations.Add($"Page {page} has {owners[page]} owners, the pool counts {snapshot.Pool.Owners[page]}.");
            }
        }

        var free = new bool[pageCount];
        foreach (int page in snapshot.Pool.Free)
        {
            if (free[page])
            {
                violations.Add($"Page {page} is on the free list twice.");
            }

            if (snapshot.Pool.Owners[page] != 0)
            {
                violations.Add($"Page {page} is on the free list and owned.");
            }

            free[page] = true;
        }

        int unowned = snapshot.Pool.Owners.Count(count => count == 0);
        if (unowned != snapshot.Pool.Free.Length)
        {
            violations.Add($"{unowned} pages have no owner, {snapshot.Pool.Free.Length} are on the free list.");
        }

        reserved += setAside;
        if (reserved != snapshot.Pool.Reserved || snapshot.Pool.Reserved > snapshot.Pool.Free.Length)
        {
            violations.Add($"Owners are promised {reserved} pages, the pool has promised {snapshot.Pool.Reserved} of "
                + $"{snapshot.Pool.Free.Length} free ones.");
        }

        return violations;
    }

    /// <summary>Checks that whoever runs has all its states, and alone.</summary>
    private static void AddStates(EngineSnapshot snapshot, List<string> violations)
    {
        foreach (OwnerSnapshot owner in snapshot.Sequences)
        {
            if (owner.Pages.Length > 0 && owner.Pages.Length < owner.StatePages)
            {
                violations.Add($"A {owner.Kind} has {owner.Pages.Length} of its {owner.StatePages} pages of states.");
            }

            foreach (int page in owner.Pages.Take(owner.StatePages).Where(page => snapshot.Pool.Owners.ElementAtOrDefault(page) > 1))
            {
                violations.Add($"Page {page} holds states of one {owner.Kind} and has {snapshot.Pool.Owners[page]} owners.");
            }
        }
    }

    /// <summary>
    /// Promises that must be set aside: of those who let a page go while others need it each has one, but the last to have it has the page.
    /// </summary>
    private static int SetAside(EngineSnapshot snapshot) => snapshot.Sequences.SelectMany(sequence => sequence.Tables)
        .Where(table => table.IsBounded).SelectMany(table => table.Pages, (table, page) => (table.Passes, Page: page))
        .GroupBy(owner => owner.Page)
        .Sum(page => Math.Min(page.Count(owner => owner.Passes), page.Count() - 1));

    /// <summary>Counts the prefix cache as an owner of what it keeps, and checks its chains.</summary>
    private static void AddPrefixes(EngineSnapshot snapshot, int[] owners, List<string> violations)
    {
        Dictionary<int, int> parents = [];
        foreach (PrefixSnapshot kept in snapshot.Prefixes)
        {
            if (kept.Page < 0 || kept.Page >= owners.Length || !parents.TryAdd(kept.Page, kept.Parent))
            {
                violations.Add($"The prefix cache names page {kept.Page}, which does not exist or is kept twice.");
                continue;
            }

            owners[kept.Page]++;
        }

        foreach ((int page, int parent) in parents)
        {
            if (parent >= 0 && !parents.ContainsKey(parent))
            {
                violations.Add($"Page {page} is kept, the page {parent} that it continues is not.");
            }
        }

        foreach (TableSnapshot table in snapshot.Sequences.SelectMany(sequence => sequence.Tables))
        {
            for (int i = 0; i < table.Pages.Length; i++)
            {
                // What a first page that is not the sequence's first continues has been let go.
                bool isKnown = parents.TryGetValue(table.Pages[i], out int parent) && (i > 0 || table.First == 0);
                if (isKnown && parent != (i == 0 ? -1 : table.Pages[i - 1]))
                {
                    violations.Add($"A sequence has the kept page {table.Pages[i]} behind another page than {parent}.");
                }
            }
        }

        int idle = parents.Keys.Count(page => snapshot.Pool.Owners[page] == 1);
        if (idle != snapshot.IdlePrefixes)
        {
            violations.Add($"{idle} kept pages are idle, the prefix cache counts {snapshot.IdlePrefixes}.");
        }
    }

    private static void AddLeases(EngineSnapshot snapshot, List<string> violations)
    {
        foreach (LeaseSnapshot lease in snapshot.Leases)
        {
            if (lease.Counted != lease.Held)
            {
                violations.Add($"{lease.Held} leases are held on adapter '{lease.Adapter}', which counts {lease.Counted}.");
            }
        }

        int held = snapshot.Leases.Sum(lease => lease.Held);
        if (held != snapshot.CountedLeases)
        {
            violations.Add($"{held} leases are held, {snapshot.CountedLeases} are counted.");
        }

        foreach (UserSnapshot user in snapshot.Users)
        {
            if (user.Used != user.Counted)
            {
                violations.Add($"{user.Used} leases of running sequences use generation {user.Ordinal}, which counts {user.Counted}.");
            }
        }

        if (snapshot.SwapBlocks != snapshot.SwappedPages)
        {
            violations.Add($"{snapshot.SwapBlocks} blocks hold swapped pages, preempted sequences have {snapshot.SwappedPages}.");
        }
    }

    /// <summary>Throws when an invariant does not hold.</summary>
    public static void ThrowIfViolated(EngineSnapshot snapshot)
    {
        if (Violations(snapshot) is { Count: > 0 } violations)
        {
            throw new InvalidOperationException("The page pool's books are wrong. " + string.Join(" ", violations));
        }
    }
}
