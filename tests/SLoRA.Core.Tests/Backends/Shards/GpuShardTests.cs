using NUnit.Framework;
using SLoRA.Core.Tests.Backends.Gpu;
using SLoRA.Core.Tests.Engine;
using SLoRA.Core.Tests.Engine.Faults;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>What the engine does, it does on several devices as on one; what they exchange, and what happens when one fails.</summary>
[NonParallelizable]
[DeviceFixture]
public sealed class GpuShardTests
{
    private const int Layers = 3;
    private const int Hidden = 64;
    private const int Rows = 20;
    private const int Rank = 16;

    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(3, Rows).ToArray(), MaxTokens = 3, IgnoreEndOfText = true };

    [TestCase(2, PreemptionMode.Swap)]
    public void Mixes_that_share_prefixes_and_are_preempted_have_the_bits_of_one_device(int shards, PreemptionMode mode)
    {
        using SteppedEngine engine = ShardedMixTests.Engine(Gpu(shards), shards, 56, mode, overlaps: true);
        using SteppedEngine oracle = ShardedMixTests.Engine(Gpu(1), 1, 200, null, overlaps: false);
        ShardedMixTests.Check(engine, oracle);
    }

    [TestCase(2, Category = "Long")]
    [TestCase(4)]
    public void Adapters_have_two_meetings_per_layer_of_their_own_and_move_rows_of_their_rank(int shards)
    {
        using var engine = new SteppedEngine(Gpu(shards), adapters: ["all-linear"]);
        StepExchange plain = FirstStep(engine, Question);
        StepExchange adapted = FirstStep(engine, Question with { Adapter = "all-linear" });

        Assert.That(plain.BaseMeetings, Is.EqualTo(1 + (4 * Layers)));
        Assert.That(plain.BaseElements, Is.EqualTo(Layers * 2 * (2 * (shards - 1) * Rows * Hidden / shards)));
        Assert.That((plain.LoraMeetings, plain.LoraElements, plain.LoraTicks), Is.EqualTo((0, 0L, 0L)));
        Assert.That(plain.BaseTicks, Is.GreaterThan(0));

        // q, k, v and gate, up are gathered; of o and of down every shard takes all partial rank rows with the base's sums.
        int gathered = 5 * (shards - 1) * Rows * Rank / shards;
        int summed = 2 * (shards - 1) * Rows * Rank;
        Assert.That(adapted.LoraMeetings, Is.EqualTo(2 * Layers));
        Assert.That(adapted.LoraElements, Is.EqualTo(Layers * (gathered + summed)));
        Assert.That((adapted.BaseMeetings, adapted.BaseElements), Is.EqualTo((plain.BaseMeetings, plain.BaseElements)));
        Assert.That(adapted.LoraTicks, Is.GreaterThan(0));
        Assert.That(engine.Status.Backend.Exchange, Is.EqualTo("through main memory").Or.Contains("peer").Or.Contains("page-locked"));
        Assert.That(engine.Status.Backend.Shards, Has.Count.EqualTo(shards));
    }

    [TestCase("Linear", 0)]
    [TestCase("Attend", 1, Category = "Long")]
    [TestCase("Embed", 3, Category = "Long")]
    public async Task A_device_that_fails_ends_every_stream_with_an_error_that_names_its_shard(string operation, int failing)
    {
        int calls = 0;
        await using LoraServingEngine engine = await ShardedEngine.Builder("core-llama-gqa", ["all-linear"]).UseBackend((rows, outputs) =>
            GpuShardsOfOne.Create(4, rows, outputs, (number, shard) => new InterceptedBackend(shard, name =>
            {
                if (number == failing && name == operation && ++calls == 2)
                {
                    throw new IOException("The device is gone.");
                }
            }))).BuildAsync();
        Task<string>[] ends =
        [
            .. Enumerable.Range(0, 3).Select(i => ShardedEngine.Answer(
                engine, Question with { MaxTokens = 30, Adapter = i == 0 ? null : "all-linear" })),
        ];
        foreach (Task<string> end in ends)
        {
            var error = (await Assert.ThrowsAsync<EngineFaultedException>(() => end))!;
            Assert.That((error.InnerException as ShardFailedException)?.Shard, Is.EqualTo(failing));
            Assert.That(error.InnerException!.InnerException, Is.TypeOf<IOException>());
        }
    }

    [Test]
    public async Task Heads_that_devices_cannot_share_are_refused_with_the_numbers()
    {
        var error = (await Assert.ThrowsAsync<InvalidOptionException>(() => ShardedEngine.Builder("core-llama-rope-linear")
            .UseBackend((rows, outputs) => GpuShardsOfOne.Create(4, rows, outputs)).BuildAsync()))!;

        Assert.That(error.Option, Is.EqualTo("Gpu.Devices"));
        Assert.That(error.Message, Does.Contain("4, which does not divide the 2 parts").And.Contain("(3 × 8)"));
    }

    /// <summary>Two devices of PoCL, named by the option itself.</summary>
    [Test]
    [Category("Long")]
    public void Devices_that_the_option_names_share_a_model() =>
        ChildProcess.Run(GpuShardScenarios.TwoDevices, ("POCL_DEVICES", "pthread pthread"));

    private static Action<LoraServingEngineBuilder> Gpu(int shards) =>
        builder => builder.UseBackend((rows, outputs) => GpuShardsOfOne.Create(shards, rows, outputs));

    private static StepExchange FirstStep(SteppedEngine engine, GenerationRequest request)
    {
        long before = engine.Status.Steps;
        Answer answer = engine.Ask(request);
        engine.StepUntil(() => engine.Status.Steps == before + 1);
        StepExchange exchange = engine.Loop.Parts.Decoder.Exchange;
        Assert.That(engine.Status.LastStep.Rows, Is.EqualTo(Rows));
        engine.Finish(answer);
        engine.DropCaches();
        return exchange;
    }
}
