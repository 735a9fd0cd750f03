using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>Several devices can stand behind one backend, and nothing above the backend has to know.</summary>
public sealed class TwinBackendTests
{
    [Test]
    public void Two_devices_behind_one_backend_answer_as_one_does()
    {
        List<GenerationRequest> requests =
        [
            .. SteppedEngine.AdapterNames.Append(null).Select((adapter, i) => new GenerationRequest
            {
                Prompt = Enumerable.Range(3, 5 + (7 * i)).ToArray(), Adapter = adapter, MaxTokens = 6, Continuations = 1 + (i % 2),
            }),
        ];
        TwinBackend? twin = null;
        List<IReadOnlyList<int>> two = Answers(requests, (rows, outputs) => twin = new TwinBackend(rows, outputs));

        Assert.That(two, Is.EqualTo(Answers(requests, null)));
        Assert.That(twin!.Compared, Is.GreaterThan(0));
    }

    private static List<IReadOnlyList<int>> Answers(List<GenerationRequest> requests, Func<int, int, IBackend>? backend)
    {
        using var engine = new SteppedEngine(
            builder => _ = backend is null ? builder.UseReference() : builder.UseBackend(backend), adapters: SteppedEngine.AdapterNames);
        List<Answer> answers = [.. requests.Select(request => engine.Ask(request))];
        engine.Finish(answers);
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total), "pages at the end");
        return [.. answers.Select(answer => answer.Tokens)];
    }
}
