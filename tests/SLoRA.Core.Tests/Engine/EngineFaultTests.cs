using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Engine.Faults;
using SLoRA.Core.Tests.Engine.Histories;

namespace SLoRA.Core.Tests.Engine;

/// <summary>A device that fails, whatever it was doing, ends the engine's streams with a typed error, and the process goes on.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class EngineFaultTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(3, 20).ToArray(), MaxTokens = 90, IgnoreEndOfText = true };

    [TestCase(nameof(IBackend.BeginStep))]
    [TestCase(nameof(IBackend.Embed))]
    [TestCase(nameof(IBackend.Norm))]
    [TestCase(nameof(IBackend.Linear))]
    [TestCase(nameof(IBackend.RotateAndStore))]
    [TestCase(nameof(IBackend.Attend))]
    [TestCase(nameof(IBackend.Gate))]
    [TestCase(nameof(IBackend.Add))]
    [TestCase(nameof(IBackend.GatherOutputs))]
    [TestCase(nameof(IBackend.EndStep))]
    [TestCase(nameof(IPageMemory.Write), Description = "an adapter is copied into pages")]
    [TestCase(nameof(IPageMemory.Read), Description = "a preempted sequence is swapped")]
    [TestCase("Restore", Description = "what was swapped is written back")]
    [TestCase(nameof(IPageMemory.Copy), Description = "a continuation forks")]
    public async Task A_device_fault_ends_every_stream_and_later_requests_with_the_same_error(string operation)
    {
        int calls = 0;
        bool hasSwapped = false;
        await using LoraServingEngine engine =
            await Build((rows, outputs) => new InterceptedBackend(new ReferenceBackend(rows, outputs), name =>
        {
            hasSwapped |= name == nameof(IPageMemory.Read);
            bool isMeant = name == operation || (operation == "Restore" && hasSwapped && name == nameof(IPageMemory.Write));
            if (isMeant && ++calls == (name == nameof(IPageMemory.Write) ? 1 : 2))
            {
                throw new IOException("The device is gone.");
            }
        }));
        GenerationStream[] streams =
        [
            .. Enumerable.Range(0, 6)
                .Select(i => engine.GenerateAsync(Question with { Adapter = i % 2 == 0 ? null : "r1", Continuations = 2 })),
        ];
        Task[] ends = [.. streams.Select(Drain)];

        // Those that had to give way come back when others have ended.
        await Task.WhenAny(Task.WhenAll(ends));
        int failed = ends.Count(end => end.IsFaulted);
        Assert.That(failed, operation == "Restore" ? Is.GreaterThan(0) : Is.EqualTo(streams.Length));
        foreach (Task end in ends.Where(end => end.IsFaulted))
        {
            var error = (await Assert.ThrowsAsync<EngineFaultedException>(() => end))!;
            Assert.That(error.InnerException, Is.TypeOf<IOException>());
        }

        await Assert.ThrowsAsync<EngineFaultedException>(() => Drain(engine.GenerateAsync(Question)));
        await Assert.ThrowsAsync<EngineFaultedException>(() => engine.Adapters.EvictAsync("r1"));

        // The process is alive: another engine beside the broken one serves.
        await using LoraServingEngine another = await Build((rows, outputs) => new ReferenceBackend(rows, outputs));
        GenerationStream answer = another.GenerateAsync(Question with { MaxTokens = 2 });
        await Drain(answer);
        Assert.That(answer.FinishReason, Is.EqualTo(FinishReason.Length));
    }

    /// <summary>A pool in which six requests of two continuations do not fit: over-commit swaps some of them out.</summary>
    private static Task<LoraServingEngine> Build(Func<int, int, IBackend> backend) => LoraServingEngine.CreateBuilder()
        .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
        .AddAdapter("r1", SteppedEngine.AdapterFolder("r1"))
        .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (36 * EngineHistory.PageBytes, false))
        .ConfigureScheduling(
            scheduling => (scheduling.OverCommit, scheduling.OverCommitLookahead, scheduling.Preemption) = (true, 1, PreemptionMode.Swap))
        .UseBackend(backend)
        .BuildAsync();

    private static async Task Drain(GenerationStream stream)
    {
        await foreach (GeneratedToken _ in stream)
        {
        }
    }
}
