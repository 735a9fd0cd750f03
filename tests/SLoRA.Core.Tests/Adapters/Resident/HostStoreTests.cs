using System.Security.Cryptography;
using NUnit.Framework;
using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Adapters.Resident;

/// <summary>What stays in main memory, what goes, and how it comes back.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class HostStoreTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 8, IgnoreEndOfText = true };

    [Test]
    public void Content_beyond_the_bound_goes_and_is_read_again_when_it_is_needed()
    {
        using var engine =
            new SteppedEngine(builder => builder.ConfigureAdapters(options => options.HostBytes = 0), adapters: ["qv", "rslora"]);
        Assert.That(engine.Loop.HostStore.Bytes, Is.EqualTo(0));
        IReadOnlyList<int> first = AnswerOf(engine, "qv");
        Assert.That(StatusOf(engine, "qv"), Has.Property("Tier").EqualTo(AdapterTier.Device).And.Property("HostBytes").EqualTo(0));

        engine.DropCaches();
        Assert.That(StatusOf(engine, "qv"), Has.Property("Tier").EqualTo(AdapterTier.Registered).And.Property("Generation").Not.Null);

        Assert.That(AnswerOf(engine, "qv"), Is.EqualTo(first));
        Assert.That(StatusOf(engine, "qv"), Has.Property("Loads").EqualTo(3).And.Property("PageIns").EqualTo(2).And.Property("Evictions")
            .EqualTo(1));
    }

    [Test]
    public void Evicted_content_comes_back_from_its_pages_when_main_memory_has_room()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        IReadOnlyList<int> first = AnswerOf(engine, "qv");
        Generation generation = engine.Loop.DeviceCache.Resident.Single();
        string pages = Hash(engine, generation);
        Shrink(engine);
        Assert.That(generation.Image, Is.Null, "what is resident is held once where there is no room to hold it twice");

        engine.DropCaches();
        Assert.That(StatusOf(engine, "qv").Tier, Is.EqualTo(AdapterTier.Host));

        Assert.That(AnswerOf(engine, "qv"), Is.EqualTo(first));
        Assert.That(StatusOf(engine, "qv").Loads, Is.EqualTo(1));
        Assert.That(Hash(engine, generation), Is.EqualTo(pages));
    }

    [Test]
    public void Scenario_17_a_thousand_cycles_of_evicting_and_reloading_give_the_same_bytes_in_the_pages()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        engine.Run(engine.Adapters.PreloadAsync("qv"));
        Generation generation = engine.Loop.DeviceCache.Resident.Single();
        string expected = Hash(engine, generation);
        long bytes = generation.Image!.Bytes;
        for (int i = 0; i < 1000; i++)
        {
            switch (i % 3)
            {
                case 0:
                    Assert.That(engine.Run(engine.Adapters.EvictAsync("qv")),
                        Is.EqualTo(new EvictedAdapter(true, generation.Directory.PageCount, bytes)), "from disk");
                    break;
                case 1:
                    engine.Loop.DeviceCache.EvictIdle();
                    Assert.That(generation.Image, Is.Not.Null, "from main memory");
                    break;
                default:
                    Shrink(engine);
                    engine.Loop.DeviceCache.EvictIdle();
                    Assert.That(generation.Image, Is.Not.Null, "from the pages");
                    break;
            }

            engine.Run(engine.Adapters.PreloadAsync("qv"));
            Assert.That(Hash(engine, generation), Is.EqualTo(expected), $"cycle {i}");
        }

        Assert.That(StatusOf(engine, "qv").Loads, Is.EqualTo(1 + 334));
    }

    [Test]
    public void Content_that_changed_on_disk_after_it_was_dropped_is_that_adapters_error()
    {
        using var copy = new CopiedAdapter("qv");
        using var engine = new SteppedEngine(adapters: ["rslora"]);
        engine.Run(engine.Adapters.RegisterAsync("a", copy.Path));
        IReadOnlyList<int> first = AnswerOf(engine, "a");
        Assert.That(engine.Run(engine.Adapters.EvictAsync("a")).IsEvicted, Is.True);
        copy.FlipLastBit();

        Answer failing = engine.Ask(Question with { Adapter = "a" });
        Answer other = engine.Ask(Question with { Adapter = "rslora" });
        engine.Finish(failing, other);

        Assert.That(failing.Error, Is.TypeOf<AdapterChangedException>().With.Property("Kind")
            .EqualTo(LoadErrorKind.File).And.Message.Contains("was changed"));
        Assert.That(other.Tokens, Has.Count.EqualTo(8));
        engine.Run(engine.Adapters.ReplaceAsync("a", copy.Path));
        Assert.That(AnswerOf(engine, "a"), Has.Count.EqualTo(first.Count), "replacing it accepts what is there now");
    }

    [Test]
    public void Tensors_that_the_program_handed_in_stay()
    {
        using var engine = new SteppedEngine(builder => builder.ConfigureAdapters(options => options.HostBytes = 0));
        AdapterTensors tensors = TestTensors.Of("qv");
        engine.Run(engine.Adapters.RegisterTensorsAsync("mine", tensors));
        IReadOnlyList<int> first = AnswerOf(engine, "mine");

        EvictedAdapter evicted = engine.Run(engine.Adapters.EvictAsync("mine"));

        Assert.That(evicted, Has.Property("IsEvicted").True.And.Property("HostBytes").EqualTo(0));
        Assert.That(StatusOf(engine, "mine").Tier, Is.EqualTo(AdapterTier.Host));
        Assert.That(AnswerOf(engine, "mine"), Is.EqualTo(first));
    }

    [Test]
    public void What_a_request_waits_for_stays_beyond_the_bound()
    {
        using var engine = new SteppedEngine(
            builder =>
                builder.ConfigureAdapters(options => options.HostBytes = 1).ConfigureScheduling(scheduling => scheduling.MaxRunning = 1)
                .ConfigurePool(pool => pool.Bytes = 40 * 12288));
        foreach (string name in (string[])["qv", "rslora", "wide"])
        {
            engine.Run(engine.Adapters.RegisterAsync(name, SteppedEngine.AdapterFolder(name)));
        }

        Answer[] answers = [.. new[] { "wide", "qv", "rslora", "wide", "qv" }.Select(name => engine.Ask(Question with { Adapter = name }))];
        engine.Finish(answers);

        Assert.That(answers[1].Tokens, Is.EqualTo(answers[4].Tokens));
        Assert.That(answers[0].Tokens, Is.EqualTo(answers[3].Tokens));
        Assert.That(engine.Adapters.List().Select(adapter => adapter.Loads), Is.EqualTo((long[])[1, 1, 1]), "nothing is read twice");
        engine.DropCaches();
        Assert.That(engine.Loop.HostStore.Bytes, Is.Zero, "and goes afterwards");
    }

    [Test]
    public void What_waits_for_pages_keeps_the_bound_apart_from_what_is_admitted_next()
    {
        string[] names = ["wide", "qv", "rslora", "r1", "bf16", "fp16"];
        var readings = new AwaitedReadings();
        using var engine = new SteppedEngine(
            builder => builder.ConfigurePool(pool => pool.Bytes = 36 * 12288), reading: readings.Between);
        foreach (string name in names)
        {
            engine.Run(engine.Adapters.RegisterAsync(name, SteppedEngine.AdapterFolder(name)));
        }

        long head = ImageBytes(engine, "wide");
        engine.AdapterCache.HostBytes = ImageBytes(engine, "qv");
        Answer running = engine.Ask(Question with { MaxTokens = 150 });
        engine.Loop.Step();
        Answer[] waiting = [.. names.Select(name => engine.Ask(Question with { Adapter = name }))];
        for (int i = 0; i < 60; i++)
        {
            engine.Loop.Step();
            readings.Settle();
        }

        Assert.That(running.Stream.FinishReason, Is.Null, "its pages leave no room for the first that waits");
        Assert.That(engine.Loop.DeviceCache.OwnedPages, Is.EqualTo(0));
        Assert.That(engine.Loop.HostStore.Bytes, Is.InRange(head, head + engine.AdapterCache.HostBytes));
        engine.Finish(waiting);
        Assert.That(waiting.Select(answer => answer.Tokens.Count), Is.All.EqualTo(8));
    }

    [Test]
    public void What_is_admitted_next_is_read_again_before_larger_contents_behind_it_for_which_there_is_no_room()
    {
        string[] names = ["wide", "qv", "fp16"];
        var readings = new AwaitedReadings();
        using var engine = new SteppedEngine(builder => builder.ConfigurePool(pool => pool.Bytes = 36 * 12288), reading: readings.Between);
        foreach (string name in names)
        {
            engine.Run(engine.Adapters.RegisterAsync(name, SteppedEngine.AdapterFolder(name)));
        }

        Answer running = engine.Ask(Question with { MaxTokens = 150 });
        engine.Loop.Step();
        Answer[] waiting = [.. names.Select(name => engine.Ask(Question with { Adapter = name }))];
        for (int i = 0; i < 100 && names.Any(name => StatusOf(engine, name).Tier != AdapterTier.Host); i++)
        {
            engine.Loop.Step();
            readings.Settle();
        }

        Assert.That(names.Select(name => StatusOf(engine, name).Tier), Is.All.EqualTo(AdapterTier.Host));
        engine.AdapterCache.HostBytes = ImageBytes(engine, "qv");
        engine.Loop.Step();
        Assert.That(names.Select(name => StatusOf(engine, name).Tier),
            Is.EqualTo(new[] { AdapterTier.Host, AdapterTier.Registered, AdapterTier.Registered }));

        engine.Finish([running, .. waiting]);

        Assert.That(waiting.Select(answer => answer.Tokens.Count), Is.All.EqualTo(8));
    }

    /// <summary>Lets a test wait until what is being read has been read.</summary>
    private sealed class AwaitedReadings
    {
        private readonly List<Task> _open = [];

        public ReadContent Between(ReadContent read) => (registration, cancellation) =>
        {
            Task<LoadedAdapter> reading = read(registration, cancellation);
            _open.Add(reading);
            return reading;
        };

        public void Settle()
        {
            foreach (Task reading in _open)
            {
                ((IAsyncResult)reading).AsyncWaitHandle.WaitOne();
            }

            _open.Clear();
        }
    }

    private static long ImageBytes(SteppedEngine engine, string name) => engine.Loop.Names.Current[name].Headers!.Shape.ImageBytes;

    /// <summary>Drops what can be dropped; afterwards there is room again.</summary>
    private static void Shrink(SteppedEngine engine)
    {
        engine.AdapterCache.HostBytes = 0;
        engine.Loop.HostStore.Trim();
        engine.AdapterCache.HostBytes = 1L << 30;
    }

    private static string Hash(SteppedEngine engine, Generation generation)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using PageImage image = PageImage.FromPages(generation.Id, generation.Resident!, engine.Pages);
        for (int page = 0; page < generation.Directory.PageCount; page++)
        {
            hash.AppendData(image.Page(page));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static AdapterStatus StatusOf(SteppedEngine engine, string name) =>
        engine.Adapters.List().Single(adapter => adapter.Name == name);

    private static IReadOnlyList<int> AnswerOf(SteppedEngine engine, string adapter)
    {
        Answer answer = engine.Ask(Question with { Adapter = adapter });
        engine.Finish(answer);
        return answer.Tokens;
    }
}
