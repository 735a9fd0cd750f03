namespace SLoRA.PublicApi.Tests.Engine;

[Parallelizable(ParallelScope.All)]
public sealed class DisposeTests
{
    [Test]
    public async Task Disposing_while_busy_ends_every_stream()
    {
        LoraServingEngine engine =
            await Demo.StartAsync(builder => builder.ConfigureScheduling(scheduling => scheduling.MaxRunning = 4), Demo.Tenants);
        GenerationStream[] streams = [.. Demo.Tenants.Select(tenant => engine.GenerateAsync(Demo.Endless(tenant)))];
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        async Task ReadAsync(GenerationStream stream)
        {
            await foreach (GeneratedToken _ in stream)
            {
                first.TrySetResult();
            }
        }

        Task[] readers = [.. streams.Select(ReadAsync)];
        await first.Task;
        await engine.DisposeAsync();

        foreach (Task reader in readers)
        {
            await Assert.ThatAsync(() => reader, Throws.TypeOf<EngineDisposedException>());
        }

        Assert.That(streams.Select(stream => stream.FinishReason), Is.All.EqualTo(FinishReason.Disposed));
    }

    [Test]
    public async Task A_disposed_engine_refuses_everything()
    {
        LoraServingEngine engine = await Demo.StartAsync("bakery");
        GenerationStream late = engine.GenerateAsync(Demo.Request("bakery"));
        await engine.DisposeAsync();
        await engine.DisposeAsync();

        Assert.That(() => engine.GenerateAsync(Demo.Request("bakery")), Throws.TypeOf<EngineDisposedException>());
        await Assert.ThatAsync(async () => await late.GetAsyncEnumerator().MoveNextAsync(), Throws.TypeOf<EngineDisposedException>());
        await Assert.ThatAsync(() => engine.Adapters.UnregisterAsync("bakery"), Throws.TypeOf<EngineDisposedException>());
        await Assert.ThatAsync(
            () => engine.Adapters.RegisterAsync("hotel", Demo.Adapter("hotel")), Throws.TypeOf<EngineDisposedException>());
    }
}
