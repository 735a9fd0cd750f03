namespace SLoRA.Engine;

/// <summary>
/// The invariants of the page pool as a pure function of a snapshot: every page is free or owned by exactly as many owners as its count says, no
/// owner names a free page, and what is promised adds up.
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
        }

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

        if (reserved != snapshot.Pool.Reserved || snapshot.Pool.Reserved > snapshot.Pool.Free.Length)
        {
            violations.Add($"Owners are promised {reserved} pages, the pool has promised {snapshot.Pool.Reserved} of {snapshot.Pool.Free.Length} free ones.");
        }

        return violations;
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
