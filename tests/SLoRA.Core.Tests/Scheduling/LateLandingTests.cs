using NUnit.Framework;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>Copies into pages that run beside the steps: who waits for them, and who does not.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class LateLandingTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 12, IgnoreEndOfText = true };

    [Test]
    public void What_lands_late_delays_only_the_requests_of_that_adapter()
    {
        using SteppedEngine engine = Engine(out Func<LatePages> pages, "wide", "qv");
        Answer first = engine.Ask(Question with { Adapter = "qv", MaxTokens = 60 });
        engine.StepUntil(() => engine.Loop.DeviceCache.Resident.Count == 1);
        int waited = pages().Waits;
        Answer late = engine.Ask(Question with { Adapter = "wide" });
        Answer plain = engine.Ask(Question);
        engine.StepUntil(() => pages().UnderWay > 0 && plain.Stream.FinishReason is not null);

        Assert.That(engine.Loop.DeviceCache.PagingIn, Has.Count.EqualTo(1), "its bytes are on their way");
        Assert.That(engine.Loop.Running.Single(sequence => sequence.Request.Stream == late.Stream).Computed, Is.Zero);
        Assert.That(first.Stream.FinishReason, Is.Null);
        Assert.That(pages().Waits, Is.EqualTo(waited), "nobody waits while others compute");
        pages().Land();
        engine.Finish(first, late);
        Assert.That(first.Tokens, Is.EqualTo(Alone(Question with { Adapter = "qv", MaxTokens = 60 }, "qv")));
        Assert.That(plain.Tokens, Is.EqualTo(Alone(Question)));
        Assert.That(late.Tokens, Is.EqualTo(Alone(Question with { Adapter = "wide" }, "wide")));
    }

    [Test]
    public void When_nothing_else_can_compute_the_engine_waits_once_and_computes_in_the_same_step()
    {
        using SteppedEngine engine = Engine(out Func<LatePages> pages, "wide");
        Answer answer = engine.Ask(Question with { Adapter = "wide" });

        engine.Loop.Step();

        Assert.That((pages().Waits, pages().UnderWay, engine.Loop.DeviceCache.PagingIn.Count), Is.EqualTo((1, 0, 0)));
        Assert.That(engine.Status.Steps, Is.EqualTo(1));
        engine.Finish(answer);
        Assert.That(pages().Waits, Is.EqualTo(1));
        Assert.That(answer.Tokens, Is.EqualTo(Alone(Question with { Adapter = "wide" }, "wide")));
    }

    [Test]
    public void An_adapter_that_is_brought_in_for_nobody_arrives_before_the_engine_sleeps()
    {
        using SteppedEngine engine = Engine(out Func<LatePages> pages, "wide");

        engine.Run(engine.Adapters.PreloadAsync("wide"));

        Assert.That(engine.Loop.Step(), Is.False, "nothing is left to do");
        Assert.That((pages().Waits, engine.Loop.DeviceCache.Resident.Count), Is.EqualTo((1, 1)));
    }

    [Test]
    public void Pages_of_a_copy_that_is_given_up_go_back_when_it_has_landed()
    {
        using SteppedEngine engine = Engine(out Func<LatePages> pages, "wide");
        Answer running = engine.Ask(Question with { MaxTokens = 60 });
        engine.Loop.Step();
        using var cancellation = new CancellationTokenSource();
        Answer late = engine.Ask(Question with { Adapter = "wide" }, cancellation.Token);
        engine.StepUntil(() => pages().UnderWay > 0);
        int owned = engine.Loop.DeviceCache.OwnedPages;
        int ownedAtWait = -1;
        pages().Waiting = () => ownedAtWait = engine.Loop.DeviceCache.OwnedPages;

        cancellation.Cancel();
        engine.Loop.Step();

        Assert.That(late.Error, Is.InstanceOf<OperationCanceledException>());
        Assert.That((pages().Waits, ownedAtWait), Is.EqualTo((1, owned)), "the engine waits while the pages are still owned");
        Assert.That((pages().UnderWay, engine.Loop.DeviceCache.OwnedPages), Is.EqualTo((0, 0)));
        engine.Finish(running);
        Assert.That(running.Tokens, Is.EqualTo(Alone(Question with { MaxTokens = 60 })));
    }

    private static SteppedEngine Engine(out Func<LatePages> pages, params string[] adapters)
    {
        LatePages late = null!;
        pages = () => late;
        return new SteppedEngine(
            builder => builder.UseBackend((rows, outputs) => new CountingBackend(rows, outputs, inner => late = new LatePages(inner))),
            adapters: adapters);
    }

    private static IReadOnlyList<int> Alone(GenerationRequest request, params string[] adapters)
    {
        using var engine = new SteppedEngine(adapters: adapters);
        Answer answer = engine.Ask(request);
        engine.Finish(answer);
        return answer.Tokens;
    }
}
