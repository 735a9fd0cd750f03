namespace SLoRA.Core.Tests.Scheduling;

/// <summary>Compositions of the parts of a policy.</summary>
internal static class RandomPolicy
{
    /// <summary>Every part with every other: each order of service, and each of the others on and off.</summary>
    public static IEnumerable<SchedulingPolicy> All() =>
        from order in Enum.GetValues<ServiceOrder>()
        from priorities in new[] { false, true }
        from shares in new[] { null, new FairShares(), new FairShares { Slack = 40, PageInPrice = 3 }, new FairShares { Preempts = true } }
        from locality in new[] { null, new LocalityPreference { RunningAdapters = 2 } }
        from quota in new[] { null, new Quota { MaxRunning = 3, RowsPerSecond = 2000, Burst = 120 } }
        from abortsLate in new[] { false, true }
        select new SchedulingPolicy
        {
            Order = order,
            Priorities = priorities,
            Shares = shares,
            Locality = locality,
            Quota = quota,
            AbortsLate = abortsLate,
        };

    /// <summary>One of them, by adapter, and any ageing.</summary>
    /// <param name="random">Draws.</param>
    /// <param name="limitsRates">Whether a quota may need time to pass.</param>
    public static SchedulingPolicy Draw(Random random, bool limitsRates)
    {
        SchedulingPolicy[] all = [.. All()];
        SchedulingPolicy policy = all[random.Next(all.Length)];
        return policy with
        {
            Key = AccountKey.Adapter,
            Ageing = TimeSpan.FromMilliseconds(random.Next(3) switch { 0 => 1, 1 => 50, _ => 2000 }),
            Quota = policy.Quota is null
                ? null
                : new Quota { MaxRunning = random.Next(1, 4), RowsPerSecond = limitsRates ? 50_000 : null, Burst = 150 },
        };
    }
}
