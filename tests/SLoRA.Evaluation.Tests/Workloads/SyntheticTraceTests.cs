using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Tests.Workloads;

/// <summary>The expected numbers are those of numpy 1.24.2 under S-LoRA's generator with seed 42.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class SyntheticTraceTests
{
    [TestCase(200, 1, 2, 1, 300, 600,
        new[] { 74, 190, 146, 119 }, new[] { 12, 473, 99, 177 }, new[] { 410, 43, 292, 195 }, .159846, 301.005)]
    [TestCase(200, 0.3, 2, 1, 300, 600,
        new[] { 7, 168, 70, 36 }, new[] { 12, 473, 99, 177 }, new[] { 410, 43, 292, 195 }, .159846, 301.005)]
    [TestCase(200, 1, 2, 4, 300, 600,
        new[] { 74, 190, 146, 119 }, new[] { 12, 473, 99, 177 }, new[] { 410, 43, 292, 195 }, 0, 353.755)]
    [TestCase(400, 1, 6, 1, 300, 1800,
        new[] { 149, 380, 292, 239 }, new[] { 140, 155, 284, 239 }, new[] { 491, 468, 142, 235 }, .027489, 293.717)]
    [TestCase(200, 1, 10, 1, 300, 3000,
        new[] { 74, 190, 146, 119 }, new[] { 378, 320, 492, 335 }, new[] { 228, 410, 414, 218 }, .142241, 284.943)]
    [TestCase(100, 1, 10, 1, 120, 1200,
        new[] { 37, 95, 73, 59 }, new[] { 388, 467, 14, 36 }, new[] { 268, 357, 509, 359 }, .050324, 124.987)]
    [TestCase(32, 1, 2, 8, 120, 240,
        new[] { 11, 30, 23, 19 }, new[] { 227, 165, 484, 53 }, new[] { 387, 40, 424, 452 }, 0, 99.719)]
    public void Requests_are_those_of_the_original(
        int adapters, double alpha, double rate, double variation, double seconds, int count, int[] firstAdapters, int[] firstPrompts,
        int[] firstOutputs, double firstArrival, double lastArrival)
    {
        Trace trace = new SyntheticTrace
        {
            Adapters = adapters,
            Alpha = alpha,
            Rate = rate,
            Variation = variation,
            Seconds = seconds,
        }.Draw();

        Assert.Multiple(() =>
        {
            Assert.That(trace.Requests, Has.Count.EqualTo(count));
            Assert.That(trace.Requests.Take(4).Select(request => request.Adapter), Is.EqualTo(firstAdapters));
            Assert.That(trace.Requests.Take(4).Select(request => request.Prompt), Is.EqualTo(firstPrompts));
            Assert.That(trace.Requests.Take(4).Select(request => request.Output), Is.EqualTo(firstOutputs));
            Assert.That(trace.Requests[0].Arrival, Is.EqualTo(firstArrival).Within(5e-7));
            Assert.That(trace.Requests[^1].Arrival, Is.EqualTo(lastArrival).Within(5e-4));
        });
    }

    [Test]
    public void Sums_and_the_most_popular_adapter_are_those_of_the_original()
    {
        Trace even = new SyntheticTrace { Adapters = 200, Rate = 2 }.Draw();
        Trace skewed = new SyntheticTrace { Adapters = 200, Alpha = 0.3, Rate = 2 }.Draw();

        Assert.Multiple(() =>
        {
            Assert.That(even.Requests.Sum(request => request.Prompt), Is.EqualTo(153447));
            Assert.That(even.Requests.Sum(request => request.Output), Is.EqualTo(155474));
            Assert.That(even.Requests.Select(request => request.Adapter).Distinct().Count(), Is.EqualTo(187));
            Assert.That(skewed.Requests.Count(request => request.Adapter == 0), Is.EqualTo(135));
        });
    }

    [Test]
    public void Without_adapters_everybody_asks_the_base()
    {
        Trace trace = new SyntheticTrace { Adapters = 0, Rate = 2 }.Draw();

        Assert.That(trace.Requests.Select(request => request.Adapter), Is.All.EqualTo(TraceRequest.Base));
        Assert.That(trace.Adapters, Is.Zero);
    }

    [Test]
    public void A_shorter_trace_keeps_everything_but_lengths()
    {
        Trace trace = new SyntheticTrace { Adapters = 4, Rate = 2 }.Draw();
        Trace shorter = trace.Shorter(100);

        Assert.That(shorter.Requests.Select(request => request.Arrival), Is.EqualTo(trace.Requests.Select(request => request.Arrival)));
        Assert.That(shorter.Requests[1], Is.EqualTo(trace.Requests[1] with { Prompt = 4, Output = 1 }));
    }

    [Test]
    public void Prompts_of_different_requests_differ_from_their_first_tokens_on()
    {
        int[][] prompts = [.. Enumerable.Range(0, 500).Select(request => Trace.PromptOf(request, 8, 256))];

        Assert.That(prompts.Select(prompt => string.Join(' ', prompt)), Is.Unique);
        Assert.That(prompts.SelectMany(prompt => prompt), Is.All.InRange(3, 255));
    }
}
