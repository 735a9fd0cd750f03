namespace SLoRA.PublicApi.Tests.Engine;

/// <summary>Adapters that are found when they are first asked for, and kept or dropped as the program says.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class AdapterSourceTests
{
    private static readonly AdapterDirectorySource Source = new(Path.GetDirectoryName(Demo.Adapter("hotel"))!);

    [Test]
    public async Task A_directory_of_adapters_serves_names_that_nobody_registered()
    {
        await using LoraServingEngine engine = await Demo.StartAsync(builder => builder.UseAdapterSource(Source));

        string[] answers = await Task.WhenAll(engine.AskAsync(Demo.Request("hotel")), engine.AskAsync(Demo.Request("library")));

        Assert.That(answers, Is.EqualTo(new[] { Demo.Answer("hotel"), Demo.Answer("library") }));
        Assert.That(engine.Adapters.List().Select(adapter => adapter.Name), Is.EquivalentTo(new[] { "hotel", "library" }));
    }

    [Test]
    public async Task A_name_that_the_source_does_not_know_fails_and_one_that_leads_elsewhere_too()
    {
        await using LoraServingEngine engine = await Demo.StartAsync(builder => builder.UseAdapterSource(Source));

        await Assert.ThatAsync(() => engine.AskAsync(Demo.Request("nobody")), Throws.TypeOf<AdapterNotFoundException>());
        await Assert.ThatAsync(() => engine.AskAsync(Demo.Request("../model")), Throws.TypeOf<AdapterLoadException>());
        Assert.That(await engine.AskAsync(Demo.Request("hotel")), Is.EqualTo(Demo.Answer("hotel")));
    }

    [Test]
    public async Task An_adapter_is_preloaded_pinned_and_evicted_on_demand()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("hotel");
        await engine.Adapters.PreloadAsync("hotel");
        Assert.That(Status(), Has.Property(nameof(AdapterStatus.Tier)).EqualTo(AdapterTier.Device));
        await engine.Adapters.PinAsync("hotel");
        Assert.That((await engine.Adapters.EvictAsync("hotel")).IsEvicted, Is.False);

        Assert.That(await engine.Adapters.UnpinAsync("hotel"), Is.True);
        EvictedAdapter evicted = await engine.Adapters.EvictAsync("hotel");

        Assert.That(evicted, Has.Property("IsEvicted").True.And.Property("Pages").GreaterThan(0).And.Property("HostBytes").GreaterThan(0));
        Assert.That(Status(), Has.Property(nameof(AdapterStatus.Tier)).EqualTo(AdapterTier.Registered));
        Assert.That(await engine.AskAsync(Demo.Request("hotel")), Is.EqualTo(Demo.Answer("hotel")));
        Assert.That(Status(), Has.Property("Loads").EqualTo(2).And.Property("PageIns").EqualTo(2).And.Property("Evictions")
            .EqualTo(1).And.Property("LastUsed").Not.Null);

        AdapterStatus Status() => engine.Adapters.List().Single();
    }

    [TestCase(-1L, 4, 30, 0.1, "Adapters.HostBytes")]
    [TestCase(0L, 0, 30, 0.1, "Adapters.MaxConcurrentLoads")]
    [TestCase(0L, 4, 0, 0.1, "Adapters.LoadTimeout")]
    [TestCase(0L, 4, 30, 0.0, "Adapters.PageInShare")]
    [TestCase(0L, 4, 30, 1.1, "Adapters.PageInShare")]
    [TestCase(0L, 4, 30, double.NaN, "Adapters.PageInShare")]
    public async Task Options_without_sense_are_refused_by_name(long hostBytes, int loads, int seconds, double share, string option)
    {
        InvalidOptionException error =
            (await Assert.ThrowsAsync<InvalidOptionException>(() => Demo.StartAsync(builder => builder.ConfigureAdapters(options =>
        {
            options.HostBytes = hostBytes;
            options.MaxConcurrentLoads = loads;
            options.LoadTimeout = TimeSpan.FromSeconds(seconds);
            options.PageInShare = share;
        }))))!;

        Assert.That(error.Message, Does.Contain(option));
    }
}
