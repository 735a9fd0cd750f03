using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Engine.Faults;
using SLoRA.Core.Tests.Models.Blocks;
using SLoRA.Core.Tests.Scheduling;

namespace SLoRA.Core.Tests.Engine;

/// <summary>A device that fails, whatever it was doing, ends the engine's streams with a typed error, and the process goes on.</summary>
/// <param name="overlaps">Whether a step publishes while the next one computes.</param>
[TestFixture(false)]
[TestFixture(true)]
[Parallelizable(ParallelScope.All)]
public sealed class EngineFaultTests(bool overlaps)
{
    // A model that norms heads, so that a step has every operation.
    private const string Model = "core-qwen3";
    private const string Adapter = "qv-r8";

    // 16 tokens × 3 layers × keys and values of 2 heads of 24 columns, in fp32.
    private const long PageBytes = 16 * 3 * 2 * 2 * 24 * sizeof(float);

    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(3, 20).ToArray(), MaxTokens = 90, IgnoreEndOfText = true };

    /// <summary>What a backend is asked outside of steps.</summary>
    private static readonly string[] OutsideOfSteps =
    [
        nameof(IBackend.LayOut), nameof(IBackend.AllocatePages), nameof(IBackend.FindWeights), nameof(IBackend.ReserveWeights),
        nameof(IBackend.Takes),
        nameof(IBackend.RoundingOf), nameof(IBackend.BytesOf),
        nameof(IBackend.LoadMatrix), nameof(IBackend.LoadTable), nameof(IBackend.LoadVector), nameof(IBackend.LoadExperts),
        nameof(IBackend.CreateRows), nameof(IBackend.CreateRope), nameof(IBackend.CreateRoutes), nameof(IBackend.CreateHeadRoutes),
        nameof(IBackend.CreateRoutedRows), nameof(IBackend.CompleteLoading), nameof(IBackend.FaultOf),
    ];

    /// <summary>What only other families do in their steps, each with a model that does it.</summary>
    private static readonly (string Operation, string Model)[] OfFamilies =
    [
        (nameof(IBackend.LayerNorm), "later-nemotron"), (nameof(IBackend.Apply), "later-cohere2"),
        (nameof(IBackend.Rotate), "later-llama4"), (nameof(IBackend.ScaleByPosition), "later-llama4"),
        (nameof(IBackend.Multiply), "later-lfm2"), (nameof(IBackend.Convolve), "later-lfm2"), (nameof(IBackend.Route), "later-olmoe"),
        (nameof(IBackend.Spread), "later-olmoe"), (nameof(IBackend.LinearOfExperts), "later-olmoe"),
        (nameof(IBackend.Combine), "later-olmoe"), (nameof(IBackend.RouteToAll), "later-glm4-moe-lite"),
        (nameof(IBackend.TakeHeads), "later-glm4-moe-lite"), (nameof(IBackend.PutHeads), "later-glm4-moe-lite"),
        (nameof(IBackend.Regroup), "later-qwen3-5-moe"), (nameof(IBackend.Recur), "later-qwen3-5-moe"),
        (nameof(IBackend.NormGated), "later-qwen3-5-moe"), (nameof(IBackend.AddGated), "later-qwen3-5-moe"),
        (nameof(IBackend.RotateAndStoreLatent), "later-glm4-moe-lite"), (nameof(IBackend.AttendLatent), "later-glm4-moe-lite"),
    ];

    /// <summary>What no model of the fixtures here does: gates of gpt-oss.</summary>
    private static readonly string[] OfNoModel = [nameof(IBackend.GateClamped)];

    /// <summary>
    /// What does not fail because of the device: a look at what has been written, a wait that does not throw, and main memory, which may be
    /// refused (<see cref="SwapFaultTests"/>).
    /// </summary>
    private static readonly string[] WithoutFaults =
        [nameof(IPageMemory.IsWritten), nameof(IPageMemory.Settle), nameof(IPageMemory.AllocateMain)];

    /// <summary>Every operation that there is: one that is added is a case here, or is said above to be none.</summary>
    private static IEnumerable<string> Operations =>
        MethodsOf(typeof(IBackend))
            .Except([.. OutsideOfSteps, .. OfNoModel, .. OfFamilies.Select(pair => pair.Operation)])
            .Concat(MethodsOf(typeof(IPageMemory)).Except(WithoutFaults));

    [TestCaseSource(nameof(Operations))]
    public async Task A_device_fault_ends_every_stream_and_later_requests_with_the_same_error(string operation)
    {
        // The first page that is written or brought back will do; whatever else is done is done again and again.
        int at = operation is nameof(IPageMemory.Write) or nameof(IPageMemory.WriteBeside) ? 1 : 2;
        int calls = 0;
        await using LoraServingEngine engine =
            await Build((rows, outputs) => new InterceptedBackend(new ReferenceBackend(rows, outputs), name =>
        {
            if (name == operation && ++calls == at)
            {
                throw new IOException("The device is gone.");
            }
        }), keepsStates: operation == nameof(IPageMemory.Clear));
        GenerationStream[] streams =
        [
            .. Enumerable.Range(0, 6)
                .Select(i => engine.GenerateAsync(Question with { Adapter = i % 2 == 0 ? null : Adapter, Continuations = 2 })),
        ];
        Task[] ends = [.. streams.Select(Drain)];

        // Those that had to give way come back when others have ended.
        await Task.WhenAny(Task.WhenAll(ends));
        int failed = ends.Count(end => end.IsFaulted);
        Assert.That(failed, operation == nameof(IPageMemory.Write) ? Is.GreaterThan(0) : Is.EqualTo(streams.Length));
        foreach (Task end in ends.Where(end => end.IsFaulted))
        {
            var error = (await Assert.ThrowsAsync<EngineFaultedException>(() => end))!;
            Assert.That(error.InnerException, Is.TypeOf<IOException>());
        }

        await Assert.ThrowsAsync<EngineFaultedException>(() => Drain(engine.GenerateAsync(Question)));
        await Assert.ThrowsAsync<EngineFaultedException>(() => engine.Adapters.EvictAsync(Adapter));

        // The process is alive: another engine beside the broken one serves.
        await using LoraServingEngine another = await Build((rows, outputs) => new ReferenceBackend(rows, outputs));
        GenerationStream answer = another.GenerateAsync(Question with { MaxTokens = 2 });
        await Drain(answer);
        Assert.That(answer.FinishReason, Is.EqualTo(FinishReason.Length));
    }

    [TestCaseSource(nameof(OperationsOfFamilies))]
    public async Task A_device_fault_in_what_other_families_do_ends_every_stream_with_the_same_error(string operation, string model)
    {
        int calls = 0;
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture(model, "model"))
            .ConfigurePool(pool => pool.Bytes = 16 << 20)
            .ConfigureScheduling(scheduling => scheduling.OverlapPublishing = overlaps)
            .UseBackend((rows, outputs) => new InterceptedBackend(new ReferenceBackend(rows, outputs), name =>
            {
                if (name == operation && ++calls == 2)
                {
                    throw new IOException("The device is gone.");
                }
            }))
            .BuildAsync();
        Task[] ends = [.. Enumerable.Range(0, 3).Select(_ => Drain(engine.GenerateAsync(Question with { MaxTokens = 20 })))];
        foreach (Task end in ends)
        {
            var error = (await Assert.ThrowsAsync<EngineFaultedException>(() => end))!;
            Assert.That(error.InnerException, Is.TypeOf<IOException>());
        }
    }

    private static IEnumerable<TestCaseData> OperationsOfFamilies() =>
        OfFamilies.Select(pair => new TestCaseData(pair.Operation, pair.Model));

    /// <summary>A pool in which six requests of two continuations do not fit: over-commit swaps some of them out.</summary>
    private Task<LoraServingEngine> Build(Func<int, int, IBackend> backend, bool keepsStates = false) => LoraServingEngine.CreateBuilder()
        .UseModel(RepositoryFolder.Fixture(Model, "model"))
        .AddAdapter(Adapter, RepositoryFolder.Fixture(Model, "adapters", Adapter))
        .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (36 * PageBytes, false))
        .ConfigureScheduling(
            scheduling => (scheduling.OverCommit, scheduling.OverCommitLookahead, scheduling.Preemption, scheduling.OverlapPublishing,
                scheduling.Policy) = (true, 1, PreemptionMode.Swap, overlaps, overlaps ? Everything : new SchedulingPolicy()))
        .UseLayers(decoder => keepsStates ? StateModel.WithStates(decoder) : decoder)
        .UseBackend((rows, outputs) => keepsStates ? new StateBackend(backend(rows, outputs)) : backend(rows, outputs))
        .BuildAsync();

    /// <summary>Every part of a policy but quotas, which would keep some of the streams from running.</summary>
    private static SchedulingPolicy Everything => RandomPolicy.All().Last() with { Quota = null };

    private static IEnumerable<string> MethodsOf(Type type) =>
        type.GetMethods().Where(method => !method.IsSpecialName).Select(method => method.Name);

    private static async Task Drain(GenerationStream stream)
    {
        await foreach (GeneratedToken _ in stream)
        {
        }
    }
}
