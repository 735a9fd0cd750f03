using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Engine;
using SLoRA.Core.Tests.Engine.Faults;
using SLoRA.Engine;

namespace SLoRA.Core.Tests;

/// <summary>The life of an engine and of its builder.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class LoraServingEngineTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 12).ToArray(), MaxTokens = 8, IgnoreEndOfText = true };

    [Test]
    public async Task One_builder_builds_two_engines_with_the_same_tensors()
    {
        LoraServingEngineBuilder builder = Builder().AddAdapter("t", TestTensors.Of("qv"));
        await using LoraServingEngine first = await builder.BuildAsync();
        int[] expected = await AskAsync(first, Question with { Adapter = "t" });
        await using LoraServingEngine second = await builder.BuildAsync();

        Assert.That(await AskAsync(second, Question with { Adapter = "t" }), Is.EqualTo(expected));
        await using LoraServingEngine folder = await Builder().AddAdapter("t", SteppedEngine.AdapterFolder("qv")).BuildAsync();
        Assert.That(await AskAsync(folder, Question with { Adapter = "t" }), Is.EqualTo(expected), "what the folder answers");
    }

    [Test]
    public void What_a_builder_is_told_after_it_has_built_is_not_for_what_it_built()
    {
        SchedulingOptions? kept = null;
        LoraServingEngineBuilder builder = Builder().ConfigureScheduling(scheduling =>
        {
            scheduling.StreamBuffer = 2;
            scheduling.MaxRowsPerStep = 2;
            kept = scheduling;
        });
        using EngineAssembly first = builder.Assemble();
        builder.ConfigureScheduling(scheduling => scheduling.StreamBuffer = 64);
        kept!.MaxRowsPerStep = -1;

        Assert.That((first.Loop.Port.StreamBuffer, first.Scheduling.MaxRowsPerStep), Is.EqualTo((2, 2)));
        Assert.That(() => builder.Assemble(), Throws.TypeOf<InvalidOptionException>());
        first.Loop.End(new EngineDisposedException());
    }

    [Test]
    public async Task Options_that_are_kept_and_changed_while_an_engine_is_built_do_not_reach_it()
    {
        CpuOptions? cpu = null;
        PoolOptions? pool = null;
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
            .UseCpu(options => (cpu = options).Threads = 1)
            .ConfigurePool(options => (pool = options).Bytes = 4L << 20);
        Task<LoraServingEngine> building = builder.BuildAsync();
        (cpu!.Threads, cpu.Weights, pool!.Bytes) = (int.MaxValue, (CpuWeights)9, -1);

        await using LoraServingEngine engine = await building;
        Assert.That(engine.Status.Pool.Total, Is.EqualTo((4 << 20) / 12288));
    }

    [Test]
    public async Task Whoever_disposes_an_engine_returns_when_it_has_gone()
    {
        var gate = new ManualResetEventSlim();
        var going = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
            .UseBackend((rows, outputs) => new InterceptedBackend(new CpuBackend(rows, outputs, 1), operation =>
            {
                if (operation == nameof(IBackend.Dispose))
                {
                    going.SetResult();
                    gate.Wait();
                }
            }))
            .BuildAsync();
        Task first = engine.DisposeAsync().AsTask();
        Task second = engine.DisposeAsync().AsTask();
        await going.Task;
        Assert.That((first.IsCompleted, second.IsCompleted), Is.EqualTo((false, false)), "the device is still there");

        gate.Set();
        await Task.WhenAll(first, second);
        await engine.DisposeAsync();
    }

    [Test]
    public async Task After_disposal_every_call_on_adapters_returns_a_failed_task()
    {
        LoraServingEngine engine = await Builder().AddAdapter("qv", SteppedEngine.AdapterFolder("qv")).BuildAsync();
        await engine.DisposeAsync();
        Func<Task>[] calls =
        [
            () => engine.Adapters.EvictAsync("qv"),
            () => engine.Adapters.UnpinAsync("qv"),
            () => engine.Adapters.UnregisterAsync("qv"),
            () => engine.Adapters.PinAsync("qv"),
            () => engine.Adapters.PreloadAsync("qv"),
            () => engine.Adapters.RegisterAsync("r1", SteppedEngine.AdapterFolder("r1")),
            () => engine.DropCachesAsync(),
        ];
        foreach (Func<Task> call in calls)
        {
            Task? task = null;
            Assert.DoesNotThrow(() => { task = call(); });
            await Assert.ThatAsync(() => task!, Throws.TypeOf<EngineDisposedException>());
        }
    }

    [Test]
    public async Task An_engine_without_a_thread_is_not_built_and_gives_everything_back()
    {
        bool isDisposed = false;
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
            .UseBackend((rows, outputs) =>
                new InterceptedBackend(new CpuBackend(rows, outputs, 1), operation => isDisposed |= operation == nameof(IBackend.Dispose)))
            .UseThread(_ => throw new OutOfMemoryException());

        var error = (await Assert.ThrowsAsync<EngineFaultedException>(() => builder.BuildAsync()))!;
        Assert.That(error.InnerException, Is.TypeOf<OutOfMemoryException>());
        Assert.That(isDisposed, Is.True);
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(4)]
    public async Task Progress_that_throws_ends_the_building_and_gives_everything_back(int at)
    {
        int created = 0;
        int disposed = 0;
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
            .UseBackend((rows, outputs) =>
            {
                created++;
                return new InterceptedBackend(
                    new CpuBackend(rows, outputs, 1), operation => disposed += operation == nameof(IBackend.Dispose) ? 1 : 0);
            });

        await Assert.ThatAsync(() => builder.BuildAsync(new SabotagedHost(new Saboteur("progress", at))), Throws.TypeOf<HostFault>());
        Assert.That(disposed, Is.EqualTo(created));
    }

    [Test]
    public void A_name_that_is_too_long_is_refused_wherever_names_are_given()
    {
        using var engine = new SteppedEngine(builder => builder.UseAdapterSource(new NoSource()));
        string name = new('n', AdapterUse.MaxNameLength + 1);
        Assert.That(() => Builder().AddAdapter(name, "folder"), Throws.ArgumentException);
        Assert.That(() => engine.Adapters.RegisterAsync(name, "folder"), Throws.ArgumentException);
        Assert.That(() => engine.Run(engine.Adapters.PreloadAsync(name)), Throws.TypeOf<AdapterNotFoundException>());
        Assert.That(engine.Loop.Names.Current, Is.Empty);
    }

    [Test]
    public void A_request_that_waits_takes_no_memory_for_its_answer()
    {
        using var engine = new SteppedEngine();
        long Taken(int maxTokens)
        {
            GenerationStream stream =
                engine.Stream(Question with { MaxTokens = maxTokens, Sampling = new SamplingOptions { RepetitionPenalty = 1.1f } });
            long before = GC.GetAllocatedBytesForCurrentThread();
            engine.Loop.Arrivals.Take(stream);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        _ = Taken(1);
        long little = Taken(1);
        Assert.That(Taken(240), Is.LessThan(little + 500), "239 tokens more are 956 bytes of ids, and counters for penalties");
    }

    private static LoraServingEngineBuilder Builder() => LoraServingEngine.CreateBuilder()
        .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
        .UseBackend((rows, outputs) => new CpuBackend(rows, outputs, 1))
        .ConfigurePool(pool => pool.Bytes = 4L << 20);

    private static async Task<int[]> AskAsync(LoraServingEngine engine, GenerationRequest request)
    {
        var tokens = new List<int>();
        await foreach (GeneratedToken token in engine.GenerateAsync(request))
        {
            tokens.Add(token.Id);
        }

        return [.. tokens];
    }

    private sealed class NoSource : IAdapterSource
    {
        public ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken) => new((AdapterOrigin?)null);
    }
}
