using NUnit.Framework;
using SLoRA.Adapters.Resident;

namespace SLoRA.Core.Tests.Engine;

/// <summary>What callers see of adapters while the engine's thread changes them.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class AdapterPictureTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 4, IgnoreEndOfText = true };

    [Test]
    public void A_list_that_has_been_taken_stays_as_it_was()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        IReadOnlyList<AdapterStatus> before = engine.Adapters.List();
        AdapterStatus copy = before.Single() with { };
        Answer answer = engine.Ask(Question with { Adapter = "qv" });
        engine.Finish(answer);

        Assert.That(before.Single(), Is.EqualTo(copy));
        Assert.That(engine.Adapters.List().Single(), Has.Property("TotalRequests").EqualTo(1).And.Property("Tier")
            .EqualTo(AdapterTier.Device).And.Property("GeneratedTokens").EqualTo(4));
    }

    [Test]
    public void Steps_in_which_nothing_becomes_of_an_adapter_make_no_picture_of_it()
    {
        using var engine = new SteppedEngine(adapters: ["qv", "r1"]);
        Answer answer = engine.Ask(Question with { Adapter = "qv", MaxTokens = 60 });
        engine.StepUntil(() => answer.Stream.Published > 2);
        AdapterRegistration[] all = [.. engine.Loop.Names.Current.Values];
        object[] pictures = [.. all.Select(one => one.Picture), .. all.Select(one => one.Generation!.Picture)];
        int published = answer.Stream.Published;
        for (int i = 0; i < 20; i++)
        {
            engine.Loop.Step();
        }

        Assert.That(answer.Stream.Published, Is.GreaterThan(published));
        object[] after = [.. all.Select(one => one.Picture), .. all.Select(one => one.Generation!.Picture)];
        Assert.That(after.Zip(pictures, ReferenceEquals), Is.All.True);
        engine.Finish(answer);
    }

    [Test]
    public async Task Every_entry_is_of_one_moment_whatever_the_engine_does_meanwhile()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        using var ending = new CancellationTokenSource();
        using var started = new ManualResetEventSlim();
        Task<int> looking = Task.Run(() =>
        {
            int looks = 0;
            for (; !ending.IsCancellationRequested; looks++)
            {
                AdapterStatus status = engine.Adapters.List().Single();
                Assert.That(status.IsResident, Is.EqualTo(status.Tier == AdapterTier.Device));
                Assert.That(status is { Tier: AdapterTier.Host, HostBytes: 0 }, Is.False);
                Assert.That(status.PageIns - status.Evictions, Is.EqualTo(status.IsResident ? 1 : 0));
                Assert.That((engine.Adapters.Count, engine.Adapters.Contains("qv")), Is.EqualTo((1, true)));
                started.Set();
            }

            return looks;
        });
        started.Wait();
        try
        {
            for (int i = 0; i < 200 && !looking.IsCompleted; i++)
            {
                engine.Run(engine.Adapters.PreloadAsync("qv"));
                engine.Loop.DeviceCache.EvictIdle();
            }
        }
        finally
        {
            await ending.CancelAsync();
        }

        Assert.That(await looking, Is.GreaterThan(0));
        Assert.That(engine.Adapters.List().Single().PageIns, Is.EqualTo(200));
    }
}
