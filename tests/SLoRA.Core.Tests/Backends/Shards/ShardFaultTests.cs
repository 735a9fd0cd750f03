using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Sharded;
using SLoRA.Core.Tests.Engine.Faults;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>A shard that fails, whatever it was doing, ends the engine's streams with one error that names it; the others stop.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ShardFaultTests
{
    // A model that norms heads, so that a step has every operation; every module has an adapter, so that it has every exchange.
    private const string Model = "core-qwen3";

    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(3, 20).ToArray(), MaxTokens = 40, IgnoreEndOfText = true };

    /// <summary>Operations that the model of these tests does not run, each with one that does.</summary>
    private static readonly (ShardOperation Operation, string Model)[] OfOtherFamilies =
    [
        (ShardOperation.LayerNorm, "later-nemotron"), (ShardOperation.Rotate, "later-llama4"),
        (ShardOperation.ScaleByPosition, "later-llama4"), (ShardOperation.Apply, "later-nemotron"),
        (ShardOperation.Regroup, "later-qwen3-5-moe"), (ShardOperation.Recur, "later-qwen3-5-moe"),
        (ShardOperation.NormGated, "later-qwen3-5-moe"),
        (ShardOperation.Multiply, "later-lfm2"), (ShardOperation.Convolve, "later-lfm2"), (ShardOperation.Route, "later-olmoe"),
        (ShardOperation.Spread, "later-olmoe"), (ShardOperation.LinearOfExperts, "later-olmoe"),
        (ShardOperation.Combine, "later-olmoe"), (ShardOperation.RouteToAll, "later-glm4-moe-lite"),
        (ShardOperation.TakeHeads, "later-glm4-moe-lite"), (ShardOperation.PutHeads, "later-glm4-moe-lite"),
        (ShardOperation.RotateAndStoreLatent, "later-glm4-moe-lite"), (ShardOperation.AttendLatent, "later-glm4-moe-lite"),
    ];

    // What no model of the fixtures here does: gates of gpt-oss and of the shared expert of Qwen 2.
    private static readonly ShardOperation[] OfNoModel = [ShardOperation.GateClamped, ShardOperation.AddGated];

    private static IEnumerable<TestCaseData> Cases() =>
    [
        .. from operation in Enum.GetValues<ShardOperation>().Except(OfNoModel).Except(OfOtherFamilies.Select(pair => pair.Operation))
               .Select(operation => operation.ToString()).Append("Reduce").Append("Gather")
           from shard in (int[])[0, 1, 3]
           select new TestCaseData(operation, shard, Model),
        .. from pair in OfOtherFamilies select new TestCaseData(pair.Operation.ToString(), 1, pair.Model),
    ];

    [TestCaseSource(nameof(Cases))]
    public async Task A_shard_that_fails_ends_every_stream_with_an_error_that_names_it(string operation, int failing, string model)
    {
        int calls = 0;
        void Before(int shard, string name)
        {
            if (shard == failing && name == operation && ++calls == 3)
            {
                throw new IOException("The shard is gone.");
            }
        }

        string adapter = ShardedEngine.AdaptersOf(model).First();
        await using LoraServingEngine engine = await Build(model, (rows, outputs) => CpuShards.Create(
            rows, outputs, 4, CpuWeights.AsStored, 4,
            shard: (number, shard) => new InterceptedBackend(shard, name => Before(number, name)),
            collective: collective => new InterceptedCollective(collective, Before)));
        Task[] ends =
        [
            .. Enumerable.Range(0, 4).Select(i => Drain(engine.GenerateAsync(Question with { Adapter = i % 2 == 0 ? null : adapter }))),
        ];
        foreach (Task end in ends)
        {
            var error = (await Assert.ThrowsAsync<EngineFaultedException>(() => end))!;
            Assert.That(error.InnerException, Is.TypeOf<ShardFailedException>());
            Assert.That(((ShardFailedException)error.InnerException!).Shard, Is.EqualTo(failing));
            Assert.That(error.InnerException.InnerException, Is.TypeOf<IOException>());
        }

        await Assert.ThrowsAsync<EngineFaultedException>(() => Drain(engine.GenerateAsync(Question)));

        // The process is alive: another engine beside the broken one serves.
        await using LoraServingEngine another =
            await Build(Model, (rows, outputs) => CpuShards.Create(rows, outputs, 2, CpuWeights.AsStored, 2));
        GenerationStream answer = another.GenerateAsync(Question with { MaxTokens = 2 });
        await Drain(answer);
        Assert.That(answer.FinishReason, Is.EqualTo(FinishReason.Length));
    }

    /// <summary>The first model has two KV heads, so that on four shards each head is on two; latents of the other are on all.</summary>
    [TestCase(0, "Shards 0 and 1 disagree on page")]
    [TestCase(3, "Shards 2 and 3 disagree on page")]
    [TestCase(1, "Shards 0 and 1 disagree on page", "later-glm4-moe-lite")]
    public async Task Shards_that_disagree_on_a_page_are_named(int changed, string message, string model = Model)
    {
        await using LoraServingEngine engine = await Build(model, (rows, outputs) => CpuShards.Create(
            rows, outputs, 4, CpuWeights.AsStored, 4, checksPages: true,
            shard: (number, shard) => number == changed ? new ForgetfulBackend(shard) : shard));
        Task end = Drain(engine.GenerateAsync(Question));

        var error = (await Assert.ThrowsAsync<EngineFaultedException>(() => end))!;
        Assert.That(error.InnerException, Is.TypeOf<InvalidOperationException>());
        Assert.That(error.InnerException!.Message, Does.StartWith(message).And.EndsWith("keys of layer 0."));
    }

    [Test]
    public async Task Disposing_of_a_busy_engine_ends_its_streams_and_joins_its_shards()
    {
        LoraServingEngine engine = await Build(Model, (rows, outputs) => CpuShards.Create(rows, outputs, 4, CpuWeights.AsStored, 4));
        GenerationStream stream = engine.GenerateAsync(Question with { MaxTokens = 80 });
        await using IAsyncEnumerator<GeneratedToken> tokens = stream.GetAsyncEnumerator();
        await tokens.MoveNextAsync();
        await engine.DisposeAsync();

        await Assert.ThrowsAsync<EngineDisposedException>(async () =>
        {
            while (await tokens.MoveNextAsync())
            {
            }
        });
    }

    private static Task<LoraServingEngine> Build(string model, Func<int, int, IBackend> backend) => LoraServingEngine.CreateBuilder()
        .UseModel(RepositoryFolder.Fixture(model, "model"))
        .AddAdapter(
            ShardedEngine.AdaptersOf(model).First(),
            RepositoryFolder.Fixture(model, "adapters", ShardedEngine.AdaptersOf(model).First()))
        .ConfigurePool(pool => pool.Bytes = 4 << 20)
        .UseBackend(backend)
        .BuildAsync();

    private static async Task Drain(GenerationStream stream)
    {
        await foreach (GeneratedToken _ in stream)
        {
        }
    }

    /// <summary>A shard that changes a key of what it has stored, once the rows are in their pages.</summary>
    private sealed class ForgetfulBackend(IBackend inner) : ForwardingBackend(inner)
    {
        private StepPlan _plan = null!;

        public override void BeginStep(StepPlan plan)
        {
            _plan = plan;
            base.BeginStep(plan);
        }

        public override void EndStep(DeviceRows logits)
        {
            Pages.Write(_plan.PageTables[0], 0, BitConverter.GetBytes(1e9f));
            base.EndStep(logits);
        }
    }

    /// <summary>A collective that says what is about to be exchanged.</summary>
    private sealed class InterceptedCollective(ICollective inner, Action<int, string> before) : ICollective
    {
        public int Shard => inner.Shard;

        public int Shards => inner.Shards;

        public StepExchange Exchanged => inner.Exchanged;

        public void BeginStep() => inner.BeginStep();

        public Exchange Next() => inner.Next();

        public void Reduce(Exchange exchange)
        {
            before(Shard, nameof(Reduce));
            inner.Reduce(exchange);
        }

        public void Gather(Exchange exchange)
        {
            before(Shard, nameof(Gather));
            inner.Gather(exchange);
        }
    }
}
