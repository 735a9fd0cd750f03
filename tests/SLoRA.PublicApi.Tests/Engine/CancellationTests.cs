namespace SLoRA.PublicApi.Tests.Engine;

[Parallelizable(ParallelScope.All)]
public sealed class CancellationTests
{
    [Test]
    public async Task Cancelling_ends_the_request_and_returns_its_pages()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");
        using var cancellation = new CancellationTokenSource();
        GenerationStream stream = engine.GenerateAsync(Demo.Endless("bakery"), cancellation.Token);

        await Assert.ThatAsync(
            async () =>
            {
                await foreach (GeneratedToken token in stream)
                {
                    if (token.Index == 2)
                    {
                        await cancellation.CancelAsync();
                    }
                }
            },
            Throws.InstanceOf<OperationCanceledException>());

        Assert.That(stream.FinishReason, Is.EqualTo(FinishReason.Cancelled));
        Assert.That(stream.Usage!.GeneratedTokens, Is.LessThan(1000));
        Demo.AssertIdle(engine);
    }

    [Test]
    public async Task Leaving_the_enumeration_ends_the_request_and_returns_its_pages()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("hotel");
        GenerationStream stream = engine.GenerateAsync(Demo.Endless("hotel"));
        await foreach (GeneratedToken _ in stream)
        {
            break;
        }

        Assert.That(stream.FinishReason, Is.EqualTo(FinishReason.Cancelled));
        Demo.AssertIdle(engine);
    }

    [Test]
    public async Task A_token_cancelled_before_the_start_computes_nothing()
    {
        await using LoraServingEngine engine = await Demo.StartAsync();

        await Assert.ThatAsync(
            () => engine.AskAsync(Demo.Request(null), new CancellationToken(canceled: true)),
            Throws.InstanceOf<OperationCanceledException>());

        Assert.That(engine.Status.Steps, Is.Zero);
        Demo.AssertIdle(engine);
    }

    [Test]
    public async Task A_request_that_waits_can_be_cancelled()
    {
        await using LoraServingEngine engine =
            await Demo.StartAsync(builder => builder.ConfigureScheduling(scheduling => scheduling.MaxRunning = 1));
        using var cancellation = new CancellationTokenSource();
        await using IAsyncEnumerator<GeneratedToken> running = engine.GenerateAsync(Demo.Endless()).GetAsyncEnumerator();
        Assert.That(await running.MoveNextAsync(), Is.True);
        Task<string> waiting = engine.AskAsync(Demo.Request(null), cancellation.Token);

        await cancellation.CancelAsync();

        await Assert.ThatAsync(() => waiting, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await running.MoveNextAsync(), Is.True, "the other request goes on");
    }

    [Test]
    public async Task Others_are_not_disturbed_by_requests_that_end_early()
    {
        await using LoraServingEngine engine = await Demo.StartAsync(Demo.Tenants);

        async Task LeaveAsync(string tenant, int after)
        {
            await foreach (GeneratedToken token in engine.GenerateAsync(Demo.Endless(tenant, 200)))
            {
                if (token.Index == after)
                {
                    break;
                }
            }
        }

        Task[] leaving = [.. Enumerable.Range(0, 24).Select(i => LeaveAsync(Demo.Tenants[i % 8], i))];
        string[] answers = await Task.WhenAll(Demo.Tenants.Select(tenant => engine.AskAsync(Demo.Request(tenant))));
        await Task.WhenAll(leaving);

        Assert.That(answers, Is.EqualTo(Demo.Tenants.Select(tenant => Demo.Answer(tenant))));
        Demo.AssertIdle(engine);
    }
}
