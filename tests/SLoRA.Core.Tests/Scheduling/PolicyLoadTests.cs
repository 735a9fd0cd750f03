using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>
/// An engine under any policy and any load: requests of few accounts and of many that come once, with several continuations, shared
/// beginnings, targets and deadlines, some of which are cancelled, over a pool that is too small for all. Everybody ends, no quota is
/// exceeded at any step, and every page comes back.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class PolicyLoadTests
{
    private const int Requests = 160;
    private static readonly string[] Contents = ["qv", "r1", "rslora"];

    [TestCaseSource(nameof(Seeds))]
    public void Everybody_ends_within_quotas_and_everything_comes_back(int seed)
    {
        var random = new Random(seed);
        var clock = new ManualClock();
        SchedulingPolicy policy = Draw(random);
        using var engine = new SteppedEngine(
            builder => builder.UseTimeProvider(clock).UseCpu(cpu => cpu.Threads = 1)
                .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (random.Next(26, 60) * 12288, random.Next(3) > 0))
                .ConfigureMetrics(metrics => metrics.MaxAccountTags = 1000)
                .ConfigureScheduling(scheduling =>
                {
                    scheduling.MaxWaiting = Requests;
                    scheduling.MaxRowsPerStep = random.Next(8, 40);
                    scheduling.MaxRunning = random.Next(4, 12);
                    scheduling.OverCommit = random.Next(2) == 0;
                    scheduling.OverCommitLookahead = random.Next(0, 6);
                    scheduling.Preemption = (PreemptionMode)random.Next(3);
                    scheduling.SwapBytes = random.Next(0, 16) * 12288;
                    scheduling.Policy = policy;
                }),
            adapters: Contents,
            overlaps: random.Next(2) == 0);
        foreach (string content in Contents)
        {
            engine.Run(engine.Adapters.PreloadAsync(content, default));
        }

        long begin = clock.GetTimestamp();
        List<(Answer Answer, CancellationTokenSource Cancellation)> asked = [];
        for (int i = 0; asked.Count < Requests || asked.Exists(one => one.Answer.Stream.FinishReason is null); i++)
        {
            Assert.That(i, Is.LessThan(60_000), "everybody ends");
            for (int n = random.Next(3); n > 0 && asked.Count < Requests; n--)
            {
                var cancellation = new CancellationTokenSource();
                asked.Add((engine.Ask(Request(random, asked.Count), cancellation.Token), cancellation));
            }

            if (random.Next(12) == 0 && asked.Count > 0)
            {
                asked[random.Next(asked.Count)].Cancellation.Cancel();
            }

            engine.Loop.Step();
            CheckQuotas(engine, policy, clock.GetElapsedTime(begin).TotalSeconds);
            clock.Advance(TimeSpan.FromMilliseconds(random.Next(20)));
        }

        foreach ((Answer answer, _) in asked)
        {
            Assert.That(answer.Error, Is.Null.Or.InstanceOf<OperationCanceledException>().Or.TypeOf<FirstTokenTargetException>()
                .Or.TypeOf<DeadlineExceededException>());
        }

        engine.DropCaches();
        EngineStatus status = engine.Status;
        Assert.That(engine.Loop.Snapshot().Pool.Free, Has.Length.EqualTo(status.Pool.Total));
        Assert.That((status.Running, status.Waiting, status.Queue.ForQuota), Is.EqualTo((0, 0, 0)));
        Assert.That(status.Accounts.Sum(account => account.Waiting), Is.Zero);
        Assert.That(status.Accounts.Select(account => account.Counter), Is.All.Matches<double>(double.IsFinite));
        Assert.That(asked.Count(one => one.Answer.Error is null), Is.GreaterThan(Requests / 4), "most are answered");
    }

    private static IEnumerable<int> Seeds() => Enumerable.Range(1, (int)(Environment.GetEnvironmentVariable("SLORA_SEEDS") is { } seeds
        ? long.Parse(seeds, System.Globalization.CultureInfo.InvariantCulture)
        : 12));

    private static SchedulingPolicy Draw(Random random) => new()
    {
        Key = (AccountKey)random.Next(3),
        Order = (ServiceOrder)random.Next(3),
        Priorities = random.Next(2) == 0,
        AbortsLate = random.Next(2) == 0,
        Ageing = TimeSpan.FromMilliseconds(Pick(random, 1, 100, 5000)),
        Locality = random.Next(2) == 0 ? null : new LocalityPreference { RunningAdapters = random.Next(1, 4) },
        Shares = random.Next(3) == 0
            ? null
            : new FairShares
            {
                Weights = new Dictionary<string, double> { ["few0"] = 1e-6, ["few1"] = 1e6, ["qv"] = 0.3, [""] = 7 },
                Slack = Pick(random, 0, 1e-9, 50, 1e9),
                OutputPrice = Pick(random, 0, 2, 1000),
                PageInPrice = Pick(random, 0, 1, 1e6),
                Preempts = random.Next(2) == 0,
            },
        Quota = random.Next(2) == 0 ? null : Limit(random),
        Quotas = random.Next(2) == 0
            ? new Dictionary<string, Quota>()
            : new Dictionary<string, Quota> { ["few0"] = Limit(random), ["qv"] = Limit(random), [""] = new() },
    };

    /// <summary>No request needs more than 130 rows.</summary>
    private static Quota Limit(Random random) => new()
    {
        MaxRunning = random.Next(2) == 0 ? null : random.Next(1, 4),
        RowsPerSecond = random.Next(2) == 0 ? null : Pick(random, 300, 3000, 1e9),
        Burst = Pick(random, 130, 400, 1e12),
    };

    private static GenerationRequest Request(Random random, int number) => new()
    {
        Prompt = (int[])
            [.. Enumerable.Range(60, random.Next(0, 20)), .. Enumerable.Range(0, random.Next(1, 24)).Select(_ => random.Next(260))],
        MaxTokens = random.Next(1, 22),
        IgnoreEndOfText = random.Next(4) > 0,
        Continuations = random.Next(4) == 0 ? random.Next(2, 4) : 1,
        Adapters = random.Next(4) switch
        {
            0 => [],
            1 => [new AdapterUse("r1", 0.5f), new AdapterUse("qv")],
            _ => [new AdapterUse(Contents[random.Next(3)])],
        },
        ClientId = random.Next(3) == 0 ? $"once{number}" : $"few{random.Next(3)}",
        Account = random.Next(2) == 0 ? null : $"few{random.Next(3)}",
        Priority = random.Next(-8, 9),
        CacheSalt = random.Next(4) == 0 ? "salt" : null,
        FirstTokenTarget = random.Next(3) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 4000)) : null,
        Deadline = random.Next(8) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 4000)) : null,
        Sampling = new SamplingOptions { Temperature = 1, Seed = number },
    };

    private static void CheckQuotas(SteppedEngine engine, SchedulingPolicy policy, double seconds)
    {
        foreach (IGrouping<string, Sequence> account in engine.Loop.Running
            .Concat(engine.Loop.Waiting.Where(sequence => sequence.Request.HasRun))
            .Where(sequence => sequence.Finished is null).GroupBy(sequence => KeyOf(policy, sequence.Request.Asked)))
        {
            if (QuotaOf(policy, account.Key)?.MaxRunning is { } most && account.Select(sequence => sequence.Request).Distinct().Count() > 1)
            {
                Assert.That(account.Count(), Is.LessThanOrEqualTo(most), account.Key);
            }
        }

        foreach (AccountStatus account in engine.Status.Accounts)
        {
            if (QuotaOf(policy, account.Name) is { RowsPerSecond: { } rate, Burst: { } burst })
            {
                long computed = account.PromptTokens + account.GeneratedTokens;
                Assert.That(computed, Is.LessThanOrEqualTo(burst + (rate * seconds) + 1), account.Name);
            }
        }
    }

    private static string KeyOf(SchedulingPolicy policy, GenerationRequest asked) => policy.Key switch
    {
        AccountKey.Client => asked.ClientId!,
        AccountKey.Account => asked.Account ?? asked.ClientId!,
        _ => asked.Adapters.Count > 0 ? asked.Adapters[0].Name : "",
    };

    private static Quota? QuotaOf(SchedulingPolicy policy, string account) => policy.Quotas.GetValueOrDefault(account) ?? policy.Quota;

    private static double Pick(Random random, params double[] values) => values[random.Next(values.Length)];
}
