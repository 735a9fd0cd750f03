using System.Collections.Concurrent;
using System.Diagnostics;
using NUnit.Framework;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Diagnostics;

/// <summary>Listeners hear every engine of the process, so each test looks for spans beneath its own.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
internal sealed class TraceTests
{
    [Test]
    public void A_request_is_a_span_beneath_its_callers_with_an_event_for_each_stage()
    {
        var stopped = new ConcurrentQueue<Activity>();
        using ActivityListener listener = Listen(MetricsOptions.ActivitySourceName, stopped.Enqueue);
        using var caller = new Activity("caller").Start();
        using var engine = new SteppedEngine(adapters: SteppedEngine.AdapterNames);
        Answer answer = engine.Ask(new GenerationRequest
        {
            Prompt = new[] { 3, 4, 5 },
            Adapter = SteppedEngine.AdapterNames[0],
            MaxTokens = 4,
            IgnoreEndOfText = true,
        });
        bool unchanged = ReferenceEquals(Activity.Current, caller);
        engine.Finish(answer);

        Activity span = stopped.Single(activity => activity.ParentSpanId == caller.SpanId);
        Assert.Multiple(() =>
        {
            Assert.That(unchanged, Is.True, "the caller's span stays the current one");
            Assert.That(span.OperationName, Is.EqualTo("slora.request"));
            Assert.That(span.Events.Select(step => step.Name), Is.EqualTo(new[] { "queued", "admitted", "first_token", "finished" }));
            Assert.That(span.Events.Select(step => step.Timestamp), Is.Ordered.Ascending);
            Assert.That(span.GetTagItem("gen_ai.request.model"), Is.EqualTo(SteppedEngine.AdapterNames[0]));
            Assert.That(span.GetTagItem("gen_ai.usage.output_tokens"), Is.EqualTo(4));
            Assert.That(span.Status, Is.EqualTo(ActivityStatusCode.Unset));
        });
    }

    [Test]
    public void A_request_that_fails_is_a_span_with_its_error()
    {
        var stopped = new ConcurrentQueue<Activity>();
        using ActivityListener listener = Listen(MetricsOptions.ActivitySourceName, stopped.Enqueue);
        using var caller = new Activity("caller").Start();
        using var engine = new SteppedEngine();
        Answer answer = engine.Ask(new GenerationRequest { Prompt = new[] { 3 }, Adapter = "nobody" });
        engine.Finish(answer);

        Activity span = stopped.Single(activity => activity.ParentSpanId == caller.SpanId);
        Assert.Multiple(() =>
        {
            Assert.That(span.Status, Is.EqualTo(ActivityStatusCode.Error));
            Assert.That(span.GetTagItem("error.type"), Is.EqualTo(((SLoraException)answer.Error!).Code));
        });
    }

    [Test]
    public void A_step_is_a_span_when_somebody_listens()
    {
        var stopped = new ConcurrentQueue<Activity>();
        using ActivityListener listener = Listen(MetricsOptions.StepActivitySourceName, stopped.Enqueue);
        using var engine = new SteppedEngine();
        using var caller = new Activity("caller").Start();
        engine.Finish(engine.Ask(new GenerationRequest { Prompt = new[] { 3, 4, 5 }, MaxTokens = 3, IgnoreEndOfText = true }));

        Assert.That(
            stopped.Where(activity => activity.ParentSpanId == caller.SpanId).Select(activity => activity.GetTagItem("slora.step.tokens")),
            Is.EqualTo(new object[] { 3, 1, 1 }));
    }

    private static ActivityListener Listen(string source, Action<Activity> stopped)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = candidate => candidate.Name == source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = stopped,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
