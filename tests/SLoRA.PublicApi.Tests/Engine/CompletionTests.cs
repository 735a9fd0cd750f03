namespace SLoRA.PublicApi.Tests.Engine;

/// <summary>How an engine ends: disposed, or drained before.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class CompletionTests
{
    [Test]
    public async Task An_engine_that_is_disposed_has_completed()
    {
        LoraServingEngine engine = await Demo.StartAsync();
        Assert.That(engine.Completion.IsCompleted, Is.False);
        await engine.DisposeAsync();
        Assert.That(engine.Completion.IsCompletedSuccessfully);
    }

    [Test]
    public async Task A_draining_engine_finishes_what_it_has_taken_and_refuses_the_rest()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");
        IAsyncEnumerator<GeneratedToken> running = engine.GenerateAsync(Demo.Endless("bakery", 60)).GetAsyncEnumerator();
        Assert.That(await running.MoveNextAsync());

        Task<bool> drained = engine.DrainAsync(Timeout.InfiniteTimeSpan);
        Assert.That(
            async () => await engine.CompleteAsync(Demo.Request("bakery")),
            Throws.TypeOf<EngineDrainingException>().With.Property(nameof(SLoraException.Category)).EqualTo(ErrorCategory.Capacity));
        Assert.That(drained.IsCompleted, Is.False);
        int tokens = 1;
        while (await running.MoveNextAsync())
        {
            tokens++;
        }

        Assert.That(tokens, Is.EqualTo(60));
        Assert.That(await drained);
        Assert.That(await engine.DrainAsync(TimeSpan.Zero), "it stays drained");
        Assert.That(engine.Completion.IsCompleted, Is.False, "it ends when it is disposed");
        Demo.AssertIdle(engine);
    }

    [Test]
    public async Task Draining_ends_at_its_limit_or_with_its_token_and_what_runs_goes_on()
    {
        await using LoraServingEngine engine = await Demo.StartAsync();
        IAsyncEnumerator<GeneratedToken> running = engine.GenerateAsync(Demo.Endless(maxTokens: 30)).GetAsyncEnumerator();
        Assert.That(await running.MoveNextAsync());
        Assert.That(await engine.DrainAsync(TimeSpan.Zero), Is.False);
        using var cancelled = new CancellationTokenSource();
        Task<bool> waiting = engine.DrainAsync(Timeout.InfiniteTimeSpan, cancelled.Token);
        cancelled.Cancel();
        Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await running.MoveNextAsync());
        await running.DisposeAsync();
        Assert.That(await engine.DrainAsync(Timeout.InfiniteTimeSpan));
    }

    [Test]
    public async Task A_limit_out_of_range_is_an_error_and_begins_no_draining([Values] bool isTooLong)
    {
        await using LoraServingEngine engine = await Demo.StartAsync();
        TimeSpan limit = isTooLong ? TimeSpan.MaxValue : TimeSpan.FromSeconds(-1);
        Assert.That(async () => await engine.DrainAsync(limit), Throws.InstanceOf<ArgumentOutOfRangeException>());
        GenerationResult answer = await engine.CompleteAsync(Demo.Endless(maxTokens: 2));
        Assert.That(answer.Continuations[0].Tokens, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task One_adapter_can_be_looked_up()
    {
        await using ILoraEngine engine = await Demo.StartAsync("bakery");
        Assert.That(engine.Adapters.TryGet("bakery", out AdapterStatus? adapter), Is.True);
        Assert.That(adapter!.Name, Is.EqualTo("bakery"));
        Assert.That(engine.Adapters.TryGet("Bakery", out adapter), Is.False);
        Assert.That(adapter, Is.Null);
    }
}
