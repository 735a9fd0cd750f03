namespace SLoRA.PublicApi.Tests.Engine;

[Parallelizable(ParallelScope.All)]
public sealed class AdapterChangeTests
{
    [Test]
    public async Task Registering_reports_what_the_adapter_covers()
    {
        await using LoraServingEngine engine = await Demo.StartAsync();

        AdapterCoverage coverage = await engine.Adapters.RegisterAsync("museum", Demo.Adapter("museum"));

        Assert.Multiple(() =>
        {
            Assert.That(coverage.Modules, Is.Not.Empty);
            Assert.That((coverage.SmallestRank, coverage.LargestRank), Is.EqualTo((2, 16)));
            Assert.That(coverage.UnusedTargets, Is.Empty);
            Assert.That(engine.Adapters.Contains("museum"), Is.True);
            Assert.That(engine.Adapters.Count, Is.EqualTo(1));
        });
        Assert.That(await engine.AskAsync(Demo.Request("museum")), Is.EqualTo(Demo.Answer("museum")));
        Assert.That(engine.Adapters.List().Single(), Has.Property(nameof(AdapterStatus.IsResident)).True);
    }

    [Test]
    public async Task A_name_can_be_taken_once()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");

        AdapterExistsException error =
            (await Assert.ThrowsAsync<AdapterExistsException>(() => engine.Adapters.RegisterAsync("bakery", Demo.Adapter("hotel"))))!;

        Assert.That(error.Code, Is.EqualTo("adapter.exists"));
        Assert.That(await engine.AskAsync(Demo.Request("bakery")), Is.EqualTo(Demo.Answer("bakery")));
    }

    [Test]
    public async Task A_replaced_adapter_serves_its_running_requests_to_their_end()
    {
        await using LoraServingEngine engine = await Demo.StartAsync(builder => builder.AddAdapter("desk", Demo.Adapter("hotel")));
        await using IAsyncEnumerator<GeneratedToken> running = engine.GenerateAsync(Demo.Request("desk")).GetAsyncEnumerator();
        Assert.That(await running.MoveNextAsync(), Is.True);

        await engine.Adapters.ReplaceAsync("desk", Demo.Adapter("library"));
        string after = await engine.AskAsync(Demo.Request("desk"));
        var ids = new List<int> { running.Current.Id };
        while (await running.MoveNextAsync())
        {
            ids.Add(running.Current.Id);
        }

        Assert.That(after, Is.EqualTo(Demo.Answer("library")));
        Assert.That(Demo.Tokenizer.Decode(ids.ToArray()), Is.EqualTo(Demo.Answer("hotel")));
    }

    [Test]
    public async Task An_unregistered_adapter_serves_its_running_requests_and_gives_its_pages_back()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("hotel");
        await using (IAsyncEnumerator<GeneratedToken> running = engine.GenerateAsync(Demo.Request("hotel")).GetAsyncEnumerator())
        {
            Assert.That(await running.MoveNextAsync(), Is.True);
            Assert.That(await engine.Adapters.UnregisterAsync("hotel"), Is.True);
            Assert.That(() => engine.GenerateAsync(Demo.Request("hotel")), Throws.TypeOf<AdapterNotFoundException>());
            var ids = new List<int> { running.Current.Id };
            while (await running.MoveNextAsync())
            {
                ids.Add(running.Current.Id);
            }

            Assert.That(Demo.Tokenizer.Decode(ids.ToArray()), Is.EqualTo(Demo.Answer("hotel")));
        }

        Demo.AssertIdle(engine);
        Assert.That(
            engine.Status.Pool.Free, Is.EqualTo(engine.Status.Pool.Total), "every page is free: what an adapter has computed goes with it");
        Assert.That(await engine.Adapters.UnregisterAsync("hotel"), Is.False);
    }

    [Test]
    public async Task Adapters_come_and_go_while_others_answer()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery", "clinic");

        async Task ComeAndGoAsync(string tenant)
        {
            for (int i = 0; i < 4; i++)
            {
                await engine.Adapters.RegisterAsync(tenant, Demo.Adapter(tenant));
                Assert.That(await engine.AskAsync(Demo.Request(tenant)), Is.EqualTo(Demo.Answer(tenant)));
                await engine.Adapters.ReplaceAsync(tenant, Demo.Adapter("museum"));
                Assert.That(await engine.AskAsync(Demo.Request(tenant)), Is.EqualTo(Demo.Answer("museum")));
                await engine.Adapters.UnregisterAsync(tenant);
            }
        }

        async Task AskAgainAndAgainAsync(string tenant)
        {
            for (int i = 0; i < 8; i++)
            {
                Assert.That(await engine.AskAsync(Demo.Request(tenant)), Is.EqualTo(Demo.Answer(tenant)));
            }
        }

        await Task.WhenAll(
            ComeAndGoAsync("hotel"), ComeAndGoAsync("garden"), AskAgainAndAgainAsync("bakery"), AskAgainAndAgainAsync("clinic"));

        Assert.That(engine.Adapters.List().Select(adapter => adapter.Name), Is.EquivalentTo(new[] { "bakery", "clinic" }));
        Demo.AssertIdle(engine);
    }

    [Test]
    public async Task A_broken_adapter_is_refused_and_nothing_changes()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");

        AdapterLoadException error =
            (await Assert.ThrowsAsync<AdapterLoadException>(() => engine.Adapters.ReplaceAsync("bakery", Demo.Model)))!;

        Assert.That(error.Adapter, Is.EqualTo("bakery"));
        Assert.That(error.Message, Does.Contain("adapter_config.json"));
        Assert.That(await engine.AskAsync(Demo.Request("bakery")), Is.EqualTo(Demo.Answer("bakery")));
    }
}
