using NUnit.Framework;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Scheduling;

[Parallelizable(ParallelScope.All)]
public sealed class AdmissionTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 100, IgnoreEndOfText = true };

    [TestCase(false)]
    [TestCase(true)]
    public void What_can_never_fit_is_refused_with_the_numbers(bool overCommit)
    {
        using SteppedEngine engine = Engine(30, overCommit, "qv", "r1");
        int qv = Pages(engine, "qv");
        int r1 = Pages(engine, "r1");

        // 119 tokens in pages of 16: 8. Each further continuation shares one full page of the prompt.
        var error = (RequestTooLargeException)engine.Ask(
            Question with { Continuations = 5, Adapters = [new("qv", 1), new("r1", 1), new("qv", 2)] }).Refusal(engine)!;

        Assert.That(error, Has.Property("CachePages").EqualTo(8 + (4 * 7)).And.Property("AdapterPages")
            .EqualTo(qv + r1).And.Property("TotalPages").EqualTo(30));
        Assert.That(error.Message, Does.Contain("36").And.Contain("30"));
        Answer small = engine.Ask(Question);
        engine.Finish(small);
        Assert.That(small.Tokens, Has.Count.EqualTo(100));
    }

    [Test]
    public void Scenario_9_a_pool_that_is_exactly_full_serves_the_next_when_one_has_ended()
    {
        using SteppedEngine engine = Engine(24, overCommit: false);
        Answer[] full = [.. Enumerable.Range(0, 3).Select(i => engine.Ask(Question with { Prompt = Enumerable.Range(i, 20).ToArray() }))];
        engine.Loop.Step();
        Assert.That(engine.Loop.Running, Has.Count.EqualTo(3));
        Assert.That(engine.Status.Pool.Free, Is.EqualTo(engine.Status.Pool.Reserved), "no page is left");
        Answer next = engine.Ask(Question);
        engine.Loop.Step();
        Assert.That(engine.Loop.Running, Has.Count.EqualTo(3));
        engine.Finish([.. full, next]);

        Assert.That(next.Tokens, Has.Count.EqualTo(100));
    }

    [Test]
    public void Large_requests_are_not_overtaken_for_ever()
    {
        using SteppedEngine engine = Engine(24, overCommit: false);
        List<Answer> answers = [engine.Ask(Question), engine.Ask(Question)];
        engine.Loop.Step();
        Answer large = engine.Ask(Question with { MaxTokens = 230 });
        engine.Loop.Step();
        answers.AddRange(Enumerable.Range(0, 10).Select(_ => engine.Ask(Question with { MaxTokens = 10 })));
        engine.Loop.Step();
        Assert.That(engine.Loop.Running, Has.Count.EqualTo(2), "the small ones would fit and wait behind the large one");
        engine.Finish(answers.Append(large));
    }

    [Test]
    public void Shared_prefixes_are_not_counted_twice()
    {
        using SteppedEngine engine = Engine(24, overCommit: false);
        GenerationRequest request = Question with { Prompt = Enumerable.Range(7, 110).ToArray(), MaxTokens = 30 };
        Answer first = engine.Ask(request);
        engine.Finish(first);

        // 9 pages each, of which 6 are shared: 6 + 3 × 3, then 6 more fit.
        Answer[] answers = [.. Enumerable.Range(0, 6).Select(_ => engine.Ask(request))];
        engine.Loop.Step();

        Assert.That(engine.Loop.Running, Has.Count.EqualTo(6));
        engine.Finish(answers);
    }

    private static int Pages(SteppedEngine engine, string adapter) => engine.Loop.Names.Current[adapter].PageCount;

    private static SteppedEngine Engine(int pages, bool overCommit, params string[] adapters) => new(
        builder => builder.ConfigurePool(pool => pool.Bytes = pages * 12288L)
            .ConfigureScheduling(scheduling => scheduling.OverCommit = overCommit), adapters: adapters);
}

internal static class Refusals
{
    /// <summary>The error that a request ends with at once.</summary>
    public static Exception? Refusal(this Answer answer, SteppedEngine engine)
    {
        engine.Loop.Step();
        return answer.Error;
    }
}
