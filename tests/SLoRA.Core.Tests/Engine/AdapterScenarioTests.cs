using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Engine.Histories;

namespace SLoRA.Core.Tests.Engine;

/// <summary>What users, files and faults do to adapters while others stream.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class AdapterScenarioTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 12, IgnoreEndOfText = true };

    [Test]
    public void Scenario_01_fifty_requests_end_on_the_content_they_began_with_when_their_name_is_replaced()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        Answer[] old = [.. Enumerable.Range(0, 50).Select(_ => engine.Ask(Question with { Adapter = "qv", MaxTokens = 40 }))];
        engine.Loop.Step();
        engine.Run(engine.Adapters.ReplaceAsync("qv", SteppedEngine.AdapterFolder("rslora")));
        Answer[] young = [.. Enumerable.Range(0, 50).Select(_ => engine.Ask(Question with { Adapter = "qv" }))];
        engine.Finish([.. old, .. young]);

        Assert.That(old.Select(answer => answer.Tokens), Is.All.EqualTo(Quiet("qv", Question with { MaxTokens = 40 })));
        Assert.That(young.Select(answer => answer.Tokens), Is.All.EqualTo(Quiet("rslora", Question)));
    }

    [Test]
    public void Scenario_02_streams_are_token_exact_while_other_adapters_come_and_go_in_every_step()
    {
        string[] others = ["r1", "rslora", "wide", "embed-and-head", "bf16"];
        GenerationRequest question = Question with { MaxTokens = 60 };
        using var engine = new SteppedEngine(
            builder => builder.ConfigurePool(pool => pool.Bytes = 80 * 12288), adapters: ["qv", "fp16", .. others]);
        Answer first = engine.Ask(question with { Adapter = "qv" });
        Answer second = engine.Ask(question with { Adapter = "fp16" });
        var visitors = new List<Answer>();
        for (int i = 0; first.Stream.FinishReason is null || second.Stream.FinishReason is null; i++)
        {
            visitors.Add(engine.Ask(Question with { Adapter = others[i % others.Length], MaxTokens = 1 }));
            engine.Loop.Step();
            engine.Loop.DeviceCache.EvictIdle();
        }

        engine.Finish([first, second, .. visitors]);
        Assert.That(first.Tokens, Is.EqualTo(Quiet("qv", question)));
        Assert.That(second.Tokens, Is.EqualTo(Quiet("fp16", question)));
        Assert.That(engine.Adapters.List().Sum(adapter => adapter.Evictions), Is.GreaterThan(20), "they really went");
    }

    [Test]
    public void Scenario_03_pages_that_held_a_large_adapter_leave_nothing_in_a_small_one()
    {
        using var engine =
            new SteppedEngine(builder => builder.ConfigurePool(pool => pool.Bytes = 34 * 12288), adapters: ["wide", "qv", "r1"]);
        foreach (string name in (string[])["wide", "qv", "wide", "r1", "wide", "qv"])
        {
            Answer answer = engine.Ask(Question with { Adapter = name });
            engine.Finish(answer);
            Assert.That(answer.Tokens, Is.EqualTo(Quiet(name, Question)), name);
            engine.DropCaches();
        }
    }

    [Test]
    public void Scenario_07_a_removed_name_lets_running_and_waiting_requests_end_and_returns_its_memory_with_the_last()
    {
        using var engine =
            new SteppedEngine(builder => builder.ConfigureScheduling(scheduling => scheduling.MaxRunning = 1), adapters: ["qv"]);
        Answer running = engine.Ask(Question with { Adapter = "qv" });
        Answer waiting = engine.Ask(Question with { Adapter = "qv" });
        engine.Loop.Step();
        Assert.That(engine.Run(engine.Adapters.UnregisterAsync("qv")), Is.True);
        Assert.That(engine.Run(engine.Adapters.UnregisterAsync("qv")), Is.False);
        engine.Finish(running);
        Assert.That(engine.Loop.Generations.Count, Is.EqualTo(1), "the waiting request holds it");
        engine.Finish(waiting);

        Assert.That(waiting.Tokens, Is.EqualTo(running.Tokens));
        Assert.That((engine.Loop.Generations.Count, engine.Loop.HostStore.Bytes), Is.EqualTo((0, 0L)));
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total));
    }

    [Test]
    public async Task Scenario_08_of_many_threads_that_register_one_name_exactly_one_wins_and_equal_content_is_one_generation()
    {
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model")).ConfigurePool(pool => pool.Bytes = 8L << 20).CheckInvariants()
                .BuildAsync();
        for (int round = 0; round < 10; round++)
        {
            Task<bool>[] registrations = [.. Enumerable.Range(0, 32).Select(_ => Task.Run(() => Register(engine)))];
            bool[] won = await Task.WhenAll(registrations);
            Assert.That(won.Count(own => own), Is.EqualTo(1));
            Task<AdapterCoverage>[] replacements = [.. Enumerable.Range(0, 32).Select(i => Task.Run(() =>
                engine.Adapters.ReplaceAsync("a", SteppedEngine.AdapterFolder(i % 2 == 0 ? "qv" : "rslora"))))];
            await Task.WhenAll(replacements);
            Assert.That(engine.Adapters.Count, Is.EqualTo(1));
            bool[] removed = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(() => engine.Adapters.UnregisterAsync("a"))));
            Assert.That(removed.Count(own => own), Is.EqualTo(1));
        }
    }

    [Test]
    public void Scenario_10_an_adapter_larger_than_the_pool_is_refused_with_the_numbers_and_blocks_nobody()
    {
        using var engine = new SteppedEngine(builder => builder.ConfigurePool(pool => pool.Bytes = 20 * 12288), adapters: ["r1"]);
        Answer other = engine.Ask(Question with { Adapter = "r1" });

        Assert.That(
            () => engine.Run(engine.Adapters.RegisterAsync("wide", SteppedEngine.AdapterFolder("wide"))),
            Throws.TypeOf<AdapterTooLargeException>().With.Property("Pages").EqualTo(28).And.Property("TotalPages").EqualTo(20));
        engine.Finish(other);
        Assert.That(other.Tokens, Has.Count.EqualTo(12));
        Assert.That(engine.Adapters.Contains("wide"), Is.False);
    }

    [Test]
    public void Scenario_12_a_disk_that_hangs_fails_its_own_requests_at_the_time_limit_and_no_others()
    {
        var clock = new ManualClock();
        using var engine = new SteppedEngine(
            builder => builder.UseTimeProvider(clock)
                .ConfigureAdapters(options => (options.LoadTimeout, options.MaxConcurrentLoads) = (TimeSpan.FromSeconds(30), 1)));
        var hanging = new GatedPackage("slow", SteppedEngine.AdapterFolder("qv"));
        engine.Register(hanging);
        engine.Run(engine.Adapters.RegisterAsync("rslora", SteppedEngine.AdapterFolder("rslora")));
        Answer slow = engine.Ask(Question with { Adapter = "slow" });
        Answer behind = engine.Ask(Question with { Adapter = "rslora" });
        Answer streaming = engine.Ask(Question);
        engine.Loop.Step();
        hanging.Reached.Wait();
        engine.Finish(streaming);
        Assert.That(streaming.Tokens, Is.EqualTo(Quiet(null, Question)), "nobody waits for the disk");

        clock.Advance(TimeSpan.FromSeconds(30));
        engine.Finish(slow, behind);

        Assert.That(slow.Error, Is.TypeOf<AdapterLoadException>().With.Property("Kind")
            .EqualTo(LoadErrorKind.File).And.Message.Contains("timed out after 30 s"));
        Assert.That(behind.Tokens, Is.EqualTo(Quiet("rslora", Question)), "the one thread that reads was replaced");
        Assert.That(engine.Intake.Lost, Is.EqualTo(1));

        // The disk comes back: what it brings late is thrown away, and the next request reads again.
        hanging.Gate.Set();
        SpinWait.SpinUntil(() => engine.Intake.Lost == 0);
        Assert.That(engine.Loop.Generations.Count, Is.EqualTo(1));
        clock.Advance(TimeSpan.FromSeconds(1));
        Answer again = engine.Ask(Question with { Adapter = "slow" });
        engine.Finish(again);
        Assert.That(again.Tokens, Is.EqualTo(Quiet("qv", Question)));
    }

    [Test]
    public void Scenario_12_a_throttled_disk_delays_its_own_request_alone_and_serves_it_in_the_end()
    {
        GenerationRequest question = Question with { MaxTokens = 120, LogProbabilities = new LogProbabilityOptions() };

        // No time passes for the time limit, and the reader takes no rests of its own.
        using var engine = new SteppedEngine(
            builder => builder.UseTimeProvider(new ManualClock())
                .ConfigureAdapters(options => options.PageInShare = 1), adapters: ["rslora"]);
        var throttled = new ThrottledPackage("slow", SteppedEngine.AdapterFolder("qv"));
        engine.Register(throttled);
        Answer slow = engine.Ask(question with { Adapter = "slow" });
        Answer[] others = [engine.Ask(question), engine.Ask(question with { Adapter = "rslora" })];
        engine.StepUntil(() => others.All(answer => answer.Stream.Published > 0));
        throttled.WaitUntilAsked();
        int pieces = 0;
        for (; throttled.Came < throttled.Length; pieces++)
        {
            int[] before = [.. others.Select(answer => answer.Stream.Published)];
            engine.Loop.Step();
            Assert.That(others.Select(answer => answer.Stream.Published), Is.EqualTo(before.Select(count => count + 1)),
                $"a token for each of the others, piece {pieces}");
            Assert.That(slow.Stream.Published, Is.Zero, "nothing without the whole content");
            throttled.Let(512);
        }

        engine.Finish([slow, .. others]);
        Assert.That(pieces, Is.GreaterThan(40));
        Assert.That(TokenBits.InOrder(slow.Items), Is.EqualTo(QuietBits("qv", question)));
        Assert.That(TokenBits.InOrder(others[0].Items), Is.EqualTo(QuietBits(null, question)));
        Assert.That(TokenBits.InOrder(others[1].Items), Is.EqualTo(QuietBits("rslora", question)));
    }

    [Test]
    public void Scenario_12_the_engine_is_disposed_while_a_disk_hangs()
    {
        var engine = new SteppedEngine();
        // It carries copies of base weights, which are compared with the model's memory: not after that has gone.
        var hanging = new GatedPackage("slow", SteppedEngine.AdapterFolder("embed-and-head"));
        engine.Register(hanging);
        Answer answer = engine.Ask(Question with { Adapter = "slow" });
        engine.Loop.Step();
        hanging.Reached.Wait();

        engine.Dispose();

        Assert.That(answer.Error, Is.TypeOf<EngineDisposedException>());
        hanging.Gate.Set();
        SpinWait.SpinUntil(() => engine.Intake.Lost == 0);
    }

    [Test]
    public void Scenario_13_files_that_vanish_shrink_or_change_are_that_adapters_error_each_time_and_the_engine_lives()
    {
        var clock = new ManualClock();
        using var copy = new CopiedAdapter("qv");
        using var engine = new SteppedEngine(builder => builder.UseTimeProvider(clock), adapters: ["rslora"]);
        engine.Run(engine.Adapters.RegisterAsync("a", copy.Path));
        IReadOnlyList<int> expected = Quiet("qv", Question);
        Action[] faults =
        [
            () => File.Delete(copy.TensorFile),
            () => File.WriteAllBytes(copy.TensorFile, File.ReadAllBytes(copy.TensorFile)[..^16]),
            copy.FlipLastBit,
            () => copy.Become("rslora"),
            () => File.WriteAllText(Path.Combine(copy.Path, "adapter_config.json"), "{"),
        ];
        foreach (Action fault in faults)
        {
            Assert.That(Ask("a").Tokens, Is.EqualTo(expected));
            Assert.That(engine.Run(engine.Adapters.EvictAsync("a")).IsEvicted, Is.True);
            fault();
            Assert.That(Ask("a").Error, Is.InstanceOf<AdapterLoadException>());
            Assert.That(Ask("rslora").Tokens, Is.EqualTo(Quiet("rslora", Question)));
            copy.Become("qv");
            Assert.That(Ask("a").Error, Is.InstanceOf<AdapterLoadException>(), "not at once again");
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.That(Ask("a").Tokens, Is.EqualTo(expected), "the right files are back");

        Answer Ask(string adapter)
        {
            Answer answer = engine.Ask(Question with { Adapter = adapter });
            engine.Finish(answer);
            return answer;
        }
    }

    [TestCase(typeof(OutOfMemoryException))]
    [TestCase(typeof(IOException))]
    [TestCase(typeof(InvalidCastException))]
    public void Whatever_reading_ends_with_is_a_typed_error_of_that_adapter(Type fault)
    {
        using var engine = new SteppedEngine(adapters: ["rslora"]);
        var package = new GatedPackage("bad", SteppedEngine.AdapterFolder("qv")) { Fault = (Exception)Activator.CreateInstance(fault)! };
        package.Gate.Set();
        engine.Register(package);
        Answer bad = engine.Ask(Question with { Adapter = "bad" });
        Answer other = engine.Ask(Question with { Adapter = "rslora" });
        engine.Finish(bad, other);

        Assert.That(bad.Error, Is.TypeOf<AdapterLoadException>().With.InnerException.TypeOf(fault));
        Assert.That(other.Tokens, Is.EqualTo(Quiet("rslora", Question)));
    }

    [Test]
    public void Scenario_15_an_unknown_adapter_is_never_served_by_the_base_whoever_asks()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        Answer[] answers = [engine.Ask(Question with { Adapter = "QV" }),
            engine.Ask(Question with { Adapters = [new AdapterUse("qv", 1), new AdapterUse("no", 0)] })];
        engine.Finish(answers);

        Assert.That(answers.Select(answer => answer.Error), Is.All.TypeOf<AdapterNotFoundException>());
        Assert.That(engine.Adapters.List().Single().Requests, Is.EqualTo(0));
    }

    [Test]
    public void Scenario_25_a_storm_of_requests_for_a_broken_adapter_reads_it_once_per_pause()
    {
        var clock = new ManualClock();
        using var copy = new CopiedAdapter("qv");
        int readings = 0;
        using var engine = new SteppedEngine(
            builder => builder.UseTimeProvider(clock),
            reading: read => (registration, cancellation) =>
            {
                readings++;
                return read(registration, cancellation);
            });
        engine.Run(engine.Adapters.RegisterAsync("a", copy.Path));
        File.Delete(copy.TensorFile);
        List<Exception> errors = [];
        for (int i = 0; i < 100; i++)
        {
            Answer[] storm = [.. Enumerable.Range(0, 10).Select(_ => engine.Ask(Question with { Adapter = "a" }))];
            engine.Finish(storm);
            errors.AddRange(storm.Select(answer => answer.Error!));
            clock.Advance(TimeSpan.FromMilliseconds(20));
        }

        // Two seconds: pauses of 100, 200, 400 and 800 ms, each followed by one reading.
        Assert.That(readings, Is.EqualTo(5));
        Assert.That(errors, Is.All.TypeOf<AdapterLoadException>().With.Property("Kind").EqualTo(LoadErrorKind.File).And.Property("Code")
            .EqualTo("adapter.file"));
        Assert.That(errors, Is.Unique.And.All.Property("InnerException").Null);
    }

    private static async Task<bool> Register(LoraServingEngine engine)
    {
        try
        {
            await engine.Adapters.RegisterAsync("a", SteppedEngine.AdapterFolder("qv"), AdapterValidation.Content);
            return true;
        }
        catch (AdapterExistsException)
        {
            return false;
        }
    }

    /// <summary>The tokens of an engine that has seen nothing else.</summary>
    private static IReadOnlyList<int> Quiet(string? adapter, GenerationRequest request) => QuietAnswer(adapter, request).Tokens;

    private static TokenBits[] QuietBits(string? adapter, GenerationRequest request) =>
        TokenBits.InOrder(QuietAnswer(adapter, request).Items);

    private static Answer QuietAnswer(string? adapter, GenerationRequest request)
    {
        using var engine = new SteppedEngine(adapters: adapter is null ? [] : [adapter]);
        Answer answer = engine.Ask(request with { Adapter = adapter });
        engine.Finish(answer);
        return answer;
    }
}
