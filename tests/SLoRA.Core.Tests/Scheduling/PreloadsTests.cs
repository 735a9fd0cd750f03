using NUnit.Framework;
using SLoRA.Adapters.Resident;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>Adapters that the program brings, pins and evicts itself.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class PreloadsTests
{
    private const long Page = 12288;
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 12, IgnoreEndOfText = true };

    [Test]
    public void A_preloaded_adapter_is_resident_without_a_request_and_its_first_request_hits()
    {
        using var engine = new SteppedEngine();
        engine.Run(engine.Adapters.RegisterAsync("qv", SteppedEngine.AdapterFolder("qv")));

        engine.Run(engine.Adapters.PreloadAsync("qv"));

        Assert.That(StatusOf(engine, "qv"), Has.Property("Tier").EqualTo(AdapterTier.Device).And.Property("Requests")
            .EqualTo(0).And.Property("TotalRequests").EqualTo(0));
        engine.Finish(engine.Ask(Question with { Adapter = "qv" }));
        Assert.That(StatusOf(engine, "qv"), Has.Property("Hits").EqualTo(1).And.Property("PageIns").EqualTo(1).And.Property("Loads")
            .EqualTo(1));
    }

    [Test]
    public void A_preload_ends_with_the_step_that_copies_its_last_bytes()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        Task preload = engine.Adapters.PreloadAsync("qv");

        engine.Loop.Step();

        Assert.That(preload.Wait(TimeSpan.FromMinutes(1)), Is.True, "no other step is needed");
    }

    [Test]
    public void Preloading_what_does_not_exist_or_cannot_be_read_says_why()
    {
        using var copy = new CopiedAdapter("qv");
        using var engine = new SteppedEngine();
        engine.Run(engine.Adapters.RegisterAsync("gone", copy.Path));
        File.Delete(copy.TensorFile);

        Assert.That(() => engine.Run(engine.Adapters.PreloadAsync("never")), Throws.TypeOf<AdapterNotFoundException>());
        Assert.That(() => engine.Run(engine.Adapters.PreloadAsync("gone")), Throws.TypeOf<AdapterLoadException>().With.Property("Kind")
            .EqualTo(LoadErrorKind.File));
        Assert.That(StatusOf(engine, "gone").Requests, Is.EqualTo(0));
    }

    [Test]
    public void A_preload_can_be_cancelled_while_the_disk_hangs()
    {
        using var engine = new SteppedEngine();
        var package = new GatedPackage("slow", SteppedEngine.AdapterFolder("qv"));
        engine.Register(package);
        using var cancellation = new CancellationTokenSource();
        Task preload = engine.Adapters.PreloadAsync("slow", cancellation.Token);
        engine.Loop.Step();
        package.Reached.Wait();

        cancellation.Cancel();

        Assert.That(() => engine.Run(preload), Throws.InstanceOf<OperationCanceledException>());
        engine.StepUntil(() => engine.Loop.Names.Current["slow"].Loading is null);
        package.Gate.Set();
    }

    [Test]
    public void A_pinned_adapter_keeps_its_pages_whatever_else_needs_them()
    {
        using var engine =
            new SteppedEngine(builder => builder.ConfigurePool(pool => pool.Bytes = 48 * Page), adapters: SteppedEngine.AdapterNames);
        engine.Run(engine.Adapters.PinAsync("qv"));
        foreach (string name in SteppedEngine.AdapterNames)
        {
            engine.Finish(engine.Ask(Question with { Adapter = name }));
        }

        Assert.That(StatusOf(engine, "qv"), Has.Property("Evictions").EqualTo(0).And.Property("PageIns")
            .EqualTo(1).And.Property("IsPinned").True);
        engine.DropCaches();
        Assert.That(engine.Loop.DeviceCache.Resident, Has.Count.EqualTo(1));
        Assert.That(engine.Run(engine.Adapters.EvictAsync("qv")).IsEvicted, Is.False);

        Assert.That(engine.Run(engine.Adapters.UnpinAsync("qv")), Is.True);
        Assert.That(engine.Run(engine.Adapters.UnpinAsync("qv")), Is.False);
        engine.DropCaches();
        Assert.That(engine.Loop.DeviceCache.Resident, Is.Empty);
    }

    [Test]
    public void Pinning_that_would_leave_no_room_is_refused_with_the_numbers()
    {
        int wide = PagesOf("wide");
        int qv = PagesOf("qv");
        using var engine =
            new SteppedEngine(builder => builder.ConfigurePool(pool => pool.Bytes = (wide + qv) * Page), adapters: ["wide", "qv"]);
        engine.Run(engine.Adapters.PinAsync("wide"));

        var error = Assert.Throws<AdapterTooLargeException>(() => engine.Run(engine.Adapters.PinAsync("qv")))!;

        Assert.That(error, Has.Property("Pages").EqualTo(qv).And.Property("PinnedPages").EqualTo(wide).And.Property("NeededPages")
            .EqualTo(1).And.Property("TotalPages").EqualTo(wide + qv));
        Assert.That(StatusOf(engine, "qv").IsPinned, Is.False);
    }

    [Test]
    public void Pinning_that_would_make_a_waiting_request_wait_for_ever_is_refused()
    {
        using var engine = new SteppedEngine(
            builder => builder.ConfigurePool(pool => pool.Bytes = 40 * Page)
                .ConfigureScheduling(scheduling => scheduling.MaxRunning = 1), adapters: ["wide"]);
        Answer running = engine.Ask(Question);
        engine.Loop.Step();
        Answer waiting = engine.Ask(Question with { Prompt = Enumerable.Range(1, 100).ToArray(), MaxTokens = 100 });
        engine.Loop.Step();

        Assert.That(() => engine.Run(engine.Adapters.PinAsync("wide")),
            Throws.TypeOf<AdapterTooLargeException>().With.Property("NeededPages").GreaterThan(12));
        engine.Finish(running, waiting);
        engine.Run(engine.Adapters.PinAsync("wide"));
        Answer late = engine.Ask(Question with { Prompt = Enumerable.Range(1, 100).ToArray(), MaxTokens = 100 });
        engine.Finish(late);
        Assert.That(late.Error, Is.TypeOf<RequestTooLargeException>().With.Property("PinnedPages").EqualTo(PagesOf("wide")));
    }

    [Test]
    public void A_second_pin_that_is_cancelled_leaves_the_first()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        engine.Run(engine.Adapters.PinAsync("qv"));
        using var cancellation = new CancellationTokenSource();
        Task second = engine.Adapters.PinAsync("qv", cancellation.Token);
        cancellation.Cancel();
        engine.Loop.Step();
        engine.Loop.Step();

        ((IAsyncResult)second).AsyncWaitHandle.WaitOne();
        Assert.That(StatusOf(engine, "qv").IsPinned, Is.True);
    }

    [TestCase(0)]
    [TestCase(1)]
    public void Of_two_who_pin_one_that_is_still_read_the_one_who_does_not_leave_gets_the_pin(int leaving)
    {
        using var engine = new SteppedEngine();
        var package = new GatedPackage("slow", SteppedEngine.AdapterFolder("qv"));
        engine.Register(package);
        using var cancellation = new CancellationTokenSource();
        Task[] pins =
            [.. Enumerable.Range(0, 2).Select(i => engine.Adapters.PinAsync("slow", i == leaving ? cancellation.Token : default))];
        engine.Loop.Step();
        package.Reached.Wait();

        cancellation.Cancel();
        Assert.That(() => engine.Run(pins[leaving]), Throws.InstanceOf<OperationCanceledException>().With.Property("CancellationToken")
            .EqualTo(cancellation.Token));
        package.Gate.Set();
        engine.Run(pins[1 - leaving]);

        Assert.That(StatusOf(engine, "slow"), Has.Property("IsPinned").True.And.Property("IsResident").True);
    }

    [Test]
    public void A_preload_has_its_turn_among_the_requests()
    {
        // Three requests fill the pool, and more stand behind them for as long as anybody looks.
        using var engine = new SteppedEngine(
            builder => builder.ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (24 * Page, false)), adapters: ["qv"]);
        GenerationRequest request = Question with { MaxTokens = 100 };
        List<Answer> answers = [.. Enumerable.Range(0, 5).Select(_ => engine.Ask(request))];
        engine.Loop.Step();
        Assert.That(engine.Status.Running, Is.EqualTo(3));
        Task preload = engine.Adapters.PreloadAsync("qv");
        engine.Loop.Step();
        Answer[] later = [.. Enumerable.Range(0, 20).Select(_ => engine.Ask(request))];

        engine.StepUntil(() => StatusOf(engine, "qv").IsResident);

        Assert.That(later.Select(answer => answer.Stream.Published), Is.All.Zero, "nobody who came later ran before it");
        engine.Finish([.. answers, .. later]);
        Assert.That(preload.Wait(TimeSpan.FromMinutes(1)), Is.True);
    }

    [Test]
    public void A_preload_does_not_hold_back_a_request_for_the_same_adapter()
    {
        int qv = PagesOf("qv");
        using var engine = new SteppedEngine(
            builder => builder.ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = ((qv + 8) * Page, false)), adapters: ["qv"]);
        Answer running = engine.Ask(Question with { MaxTokens = 16 * 9 - 20 });
        engine.Loop.Step();
        Task preload = engine.Adapters.PreloadAsync("qv");
        engine.Loop.Step();
        Answer same = engine.Ask(Question with { Adapter = "qv", MaxTokens = 100 });

        engine.Finish(running, same);

        Assert.That(same.Tokens, Has.Count.EqualTo(100));
        Assert.That(preload.Wait(TimeSpan.FromMinutes(1)), Is.True);
    }

    [Test]
    public void Pinning_what_is_resident_does_not_wait_for_those_who_wait_for_pages()
    {
        int wide = PagesOf("wide");
        using var engine =
            new SteppedEngine(builder => builder.ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = ((wide + 12) * Page, false)),
                adapters: ["wide", "qv"]);
        engine.Run(engine.Adapters.PreloadAsync("qv"));
        Answer running = engine.Ask(Question with { Adapter = "qv", MaxTokens = 100 });
        engine.Loop.Step();
        Task[] waiting = [.. Enumerable.Range(0, 2 * SLoRA.Scheduling.Preloads.Window).Select(_ => engine.Adapters.PreloadAsync("wide"))];
        engine.Loop.Step();
        Assert.That(engine.Loop.Preloads.Count, Is.EqualTo(waiting.Length));

        Task pin = engine.Adapters.PinAsync("qv");
        engine.Loop.Step();

        Assert.That(pin.Wait(TimeSpan.FromMinutes(1)), Is.True);
        Assert.That(running.Stream.FinishReason, Is.Null);
        engine.Run(engine.Adapters.UnpinAsync("qv"));
        engine.Finish(running);
        engine.Run(Task.WhenAll(waiting));
    }

    [Test]
    public void Preloads_are_cancelled_and_fail_wherever_they_stand()
    {
        using var copy = new CopiedAdapter("r1");
        using var engine =
            new SteppedEngine(builder => builder.ConfigureAdapters(adapters => adapters.MaxConcurrentLoads = 2), adapters: ["qv"]);
        engine.Run(engine.Adapters.RegisterAsync("gone", copy.Path));
        File.Delete(copy.TensorFile);
        var package = new GatedPackage("slow", SteppedEngine.AdapterFolder("rslora"));
        engine.Register(package);
        using var cancellation = new CancellationTokenSource();
        Task[] slow = [.. Enumerable.Range(0, 100).Select(_ => engine.Adapters.PreloadAsync("slow", cancellation.Token))];
        Task[] gone = [.. Enumerable.Range(0, 100).Select(_ => engine.Adapters.PreloadAsync("gone"))];
        engine.Loop.Step();
        package.Reached.Wait();

        Task last = slow[^1];
        cancellation.Cancel();
        Assert.That(() => engine.Run(last), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(() => engine.Run(Task.WhenAll(gone)), Throws.TypeOf<AdapterLoadException>());
        package.Gate.Set();
        engine.Run(engine.Adapters.PreloadAsync("qv"));
        Assert.That(engine.Loop.Preloads.Count, Is.Zero);
        Assert.That(() => engine.Run(Task.WhenAll(slow)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(slow.Select(task => task.IsCanceled), Is.All.True);
    }

    [Test]
    public void Replacing_or_removing_a_name_ends_its_pin()
    {
        using var engine = new SteppedEngine(adapters: ["qv", "r1"]);
        engine.Run(engine.Adapters.PinAsync("qv"));
        engine.Run(engine.Adapters.PinAsync("r1"));
        engine.Run(engine.Adapters.ReplaceAsync("qv", SteppedEngine.AdapterFolder("rslora")));
        engine.Run(engine.Adapters.UnregisterAsync("r1"));

        Assert.That(StatusOf(engine, "qv").IsPinned, Is.False);
        Assert.That(engine.Loop.DeviceCache.OwnedPages, Is.EqualTo(0));
        Assert.That(engine.Loop.Generations.Count, Is.EqualTo(1));
    }

    [Test]
    public void Evicting_says_what_it_freed_and_frees_nothing_that_is_used()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        long bytes = engine.Loop.HostStore.Bytes;
        Answer running = engine.Ask(Question with { Adapter = "qv" });
        engine.Loop.Step();
        Assert.That(engine.Run(engine.Adapters.EvictAsync("qv")), Is.EqualTo(default(EvictedAdapter)));
        engine.Finish(running);

        Assert.That(engine.Run(engine.Adapters.EvictAsync("qv")), Is.EqualTo(new EvictedAdapter(true, PagesOf("qv"), bytes)));
        Assert.That(engine.Run(engine.Adapters.EvictAsync("qv")), Is.EqualTo(new EvictedAdapter(true, 0, 0)));
        Assert.That(() => engine.Run(engine.Adapters.EvictAsync("other")), Throws.TypeOf<AdapterNotFoundException>());
    }

    [Test]
    public void Reclaiming_takes_what_is_used_seldom_before_what_is_used_often()
    {
        var clock = new ManualClock();
        using var engine = new SteppedEngine(builder => builder.UseTimeProvider(clock), adapters: ["qv", "r1", "rslora"]);
        foreach (string name in (string[])["qv", "qv", "qv", "qv", "qv", "r1", "rslora"])
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            engine.Finish(engine.Ask(Question with { Adapter = name, MaxTokens = 1 }));
        }

        clock.Advance(TimeSpan.FromSeconds(10));
        var order = new List<string>();
        while (engine.Loop.DeviceCache.IdlePageCount > 0)
        {
            string[] before = ResidentNames(engine);
            engine.Loop.DeviceCache.GiveUpLeast();
            order.Add(before.Except(ResidentNames(engine)).Single());
        }

        Assert.That(order, Is.EqualTo(new[] { "r1", "rslora", "qv" }));
    }

    [Test]
    public void What_was_popular_long_ago_goes_before_what_is_used_now()
    {
        var clock = new ManualClock();
        using var engine = new SteppedEngine(builder => builder.UseTimeProvider(clock), adapters: ["qv", "r1"]);
        for (int i = 0; i < 50; i++)
        {
            engine.Finish(engine.Ask(Question with { Adapter = "qv", MaxTokens = 1 }));
        }

        clock.Advance(UseRecord.HalfLife * 10);
        engine.Finish(engine.Ask(Question with { Adapter = "r1", MaxTokens = 1 }));
        clock.Advance(TimeSpan.FromSeconds(1));
        engine.Loop.DeviceCache.GiveUpLeast();

        Assert.That(ResidentNames(engine), Is.EqualTo(new[] { "r1" }));
    }

    [Test]
    public void What_was_just_preloaded_stays_longer_than_what_was_used_before()
    {
        var clock = new ManualClock();
        using var engine = new SteppedEngine(builder => builder.UseTimeProvider(clock), adapters: ["qv", "r1"]);
        engine.Finish(engine.Ask(Question with { Adapter = "qv", MaxTokens = 1 }));
        clock.Advance(TimeSpan.FromSeconds(10));
        engine.Run(engine.Adapters.PreloadAsync("r1"));
        clock.Advance(TimeSpan.FromSeconds(1));
        engine.Loop.DeviceCache.GiveUpLeast();

        Assert.That(ResidentNames(engine), Is.EqualTo(new[] { "r1" }));
    }

    private static string[] ResidentNames(SteppedEngine engine) =>
        [.. engine.Adapters.List().Where(adapter => adapter.IsResident).Select(adapter => adapter.Name)];

    private static int PagesOf(string name)
    {
        using var engine = new SteppedEngine(adapters: [name]);
        return StatusOf(engine, name).Pages;
    }

    private static AdapterStatus StatusOf(SteppedEngine engine, string name) =>
        engine.Adapters.List().Single(adapter => adapter.Name == name);
}
