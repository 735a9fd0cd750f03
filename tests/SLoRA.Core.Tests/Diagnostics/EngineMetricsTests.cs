using System.Diagnostics.Metrics;
using NUnit.Framework;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Diagnostics;

[TestFixture]
[Parallelizable(ParallelScope.All)]
internal sealed class EngineMetricsTests
{
    private static readonly IReadOnlyList<string> Names = SteppedEngine.AdapterNames;

    private static IEnumerable<TestCaseData> Instruments()
    {
        yield return Case("gen_ai.server.request.duration", "s", typeof(Histogram<double>), 0.01, 81.92);
        yield return Case("gen_ai.server.time_to_first_token", "s", typeof(Histogram<double>), 0.001, 10);
        yield return Case("gen_ai.server.time_per_output_token", "s", typeof(Histogram<double>), 0.01, 2.5);
        yield return Case("slora.request.queue.duration", "s", typeof(Histogram<double>), 0.01, 81.92);
        yield return Case("slora.request.prefill.duration", "s", typeof(Histogram<double>), 0.01, 81.92);
        yield return Case("slora.request.decode.duration", "s", typeof(Histogram<double>), 0.01, 81.92);
        yield return Case("slora.requests.finished", "{request}", typeof(Counter<long>));
        yield return Case("slora.requests.running", "{request}", typeof(ObservableGauge<long>));
        yield return Case("slora.requests.waiting", "{request}", typeof(ObservableGauge<long>));
        yield return Case("slora.pool.pages", "{page}", typeof(ObservableGauge<long>));
        yield return Case("slora.pool.utilization", "1", typeof(ObservableGauge<double>));
        yield return Case("slora.tokens.prompt", "{token}", typeof(Counter<long>));
        yield return Case("slora.tokens.generated", "{token}", typeof(Counter<long>));
        yield return Case("slora.step.tokens", "{token}", typeof(Histogram<int>), 1, 4096);
        yield return Case("slora.step.adapters", "{adapter}", typeof(Histogram<int>), 1, 4096);
        yield return Case("slora.step.duration", "s", typeof(Histogram<double>), 0.0005, 2.5);
        yield return Case("slora.preemptions", "{preemption}", typeof(Counter<long>));
        yield return Case("slora.adapter.hits", "{request}", typeof(Counter<long>));
        yield return Case("slora.adapter.misses", "{request}", typeof(Counter<long>));
        yield return Case("slora.adapter.evictions", "{adapter}", typeof(Counter<long>));
        yield return Case("slora.adapter.page_in.duration", "s", typeof(Histogram<double>), 0.0005, 2.5);
        yield return Case("slora.adapter.resident", "{adapter}", typeof(ObservableGauge<long>));
        yield return Case("slora.account.waiting", "{request}", typeof(ObservableGauge<long>));
        yield return Case("slora.account.oldest_wait", "s", typeof(ObservableGauge<double>));
        yield return Case("slora.account.counter", "{token}", typeof(ObservableGauge<double>));
        yield return Case("slora.account.tokens.prompt", "{token}", typeof(ObservableCounter<long>));
        yield return Case("slora.account.tokens.generated", "{token}", typeof(ObservableCounter<long>));
        yield return Case("slora.account.aborted", "{request}", typeof(ObservableCounter<long>));

        static TestCaseData Case(string name, string unit, Type type, double least = 0, double most = 0) =>
            new TestCaseData(name, unit, type, least, most).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Instruments))]
    public void An_instrument_has_its_name_type_unit_and_buckets(string name, string unit, Type type, double least, double most)
    {
        using var record = new MeterRecord();
        using var engine = Engine(record);

        Instrument instrument = record.Instruments.Single(instrument => instrument.Name == name);
        double[] buckets = instrument switch
        {
            Histogram<double> histogram => [.. histogram.Advice!.HistogramBucketBoundaries!],
            Histogram<int> histogram => [.. histogram.Advice!.HistogramBucketBoundaries!.Select(bucket => (double)bucket)],
            _ => [0],
        };
        Assert.Multiple(() =>
        {
            Assert.That(instrument.Meter.Name, Is.EqualTo("SLoRA.Engine"));
            Assert.That(instrument, Is.TypeOf(type));
            Assert.That(instrument.Unit, Is.EqualTo(unit));
            Assert.That(instrument.Description, Is.Not.Empty);
            Assert.That(buckets, Is.Ordered.Ascending);
            Assert.That((buckets[0], buckets[^1]), Is.EqualTo((least, most)));
        });
    }

    [Test]
    public void No_instrument_is_missing_from_the_list() =>
        Assert.That(AllNames(), Is.EquivalentTo(Instruments().Select(test => (string)test.Arguments[0]!)));

    [Test]
    public void Counters_and_histograms_say_what_the_status_says()
    {
        using var record = new MeterRecord();
        using var engine = Engine(record);
        Answer[] answers = [.. Enumerable.Range(0, 6).Select(i => engine.Ask(Request(Names[i % 2], tokens: 3 + i)))];
        engine.Finish(answers);

        EngineStatus status = engine.Status;
        Assert.Multiple(() =>
        {
            Assert.That(record.Sum("slora.tokens.prompt"), Is.EqualTo(status.PromptTokens));
            Assert.That(record.Sum("slora.tokens.generated"),
                Is.EqualTo(status.GeneratedTokens).And.EqualTo(answers.Sum(answer => answer.Tokens.Count)));
            Assert.That(record.Sum("slora.step.tokens"), Is.EqualTo(status.ComputedTokens));
            Assert.That(record.Of("slora.step.duration"), Has.Count.EqualTo(status.Steps));
            Assert.That(record.Of("slora.step.adapters").Max(step => step.Value), Is.EqualTo(2));
            Assert.That(record.Sum("slora.adapter.hits"), Is.EqualTo(status.AdapterCache.Hits));
            Assert.That(record.Sum("slora.adapter.misses"), Is.EqualTo(status.AdapterCache.Misses).And.GreaterThan(0));
            Assert.That(record.Of("slora.adapter.page_in.duration"), Has.Count.EqualTo(status.AdapterCache.PageIns));
            foreach (string perRequest in (string[])
                [
                    "gen_ai.server.request.duration", "gen_ai.server.time_to_first_token", "gen_ai.server.time_per_output_token",
                    "slora.request.queue.duration", "slora.request.prefill.duration", "slora.request.decode.duration",
                ])
            {
                Assert.That(record.Of(perRequest), Has.Count.EqualTo(answers.Length), perRequest);
            }
        });
    }

    [Test]
    public void Times_are_those_of_the_engines_clock()
    {
        using var record = new MeterRecord();
        var clock = new ManualClock();
        using var engine = Engine(record, builder => builder.UseTimeProvider(clock), chunkLimit: 2);
        Answer answer = engine.Ask(Request(null, tokens: 3));
        while (answer.Stream.FinishReason is null)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            engine.Loop.Step();
        }

        // It arrives in the first of two steps of its prompt; two steps decode, and the end is noticed in the one after.
        Assert.Multiple(() =>
        {
            Assert.That(record.Sum("gen_ai.server.time_to_first_token"), Is.EqualTo(1));
            Assert.That(record.Sum("gen_ai.server.request.duration"), Is.EqualTo(4));
            Assert.That(record.Sum("gen_ai.server.time_per_output_token"), Is.EqualTo(1.5));
            Assert.That(record.Sum("slora.request.decode.duration"), Is.EqualTo(3));
        });
    }

    [Test]
    public void Gauges_show_the_pool_and_the_queue()
    {
        using var record = new MeterRecord();
        using var engine = Engine(record, builder => builder.ConfigureScheduling(scheduling => scheduling.MaxRunning = 2));
        Answer[] answers = [.. Enumerable.Range(0, 5).Select(i => engine.Ask(Request(Names[0], tokens: 30)))];
        for (int i = 0; i < 4; i++)
        {
            engine.Loop.Step();
        }

        record.ReadGauges();
        PoolStatus pool = engine.Status.Pool;
        Assert.Multiple(() =>
        {
            Assert.That(record.Sum("slora.requests.running"), Is.EqualTo(2));
            Assert.That(record.Sum("slora.requests.waiting"), Is.EqualTo(3));
            Assert.That(
                record.Of("slora.pool.pages").ToDictionary(page => page.Tags["kind"], page => page.Value),
                Is.EqualTo(new Dictionary<string, double> { ["kv"] = pool.Cache, ["adapter"] = pool.Adapters, ["free"] = pool.Free }));
            Assert.That(record.Sum("slora.pool.utilization"), Is.EqualTo(pool.Utilization).And.GreaterThan(0));
            Assert.That(record.Sum("slora.adapter.resident"), Is.EqualTo(1));
        });
        engine.Finish(answers);
    }

    [Test]
    public void Adapters_are_no_tags_unless_that_is_asked_for_and_then_only_so_many()
    {
        Assert.That(Models(0), Is.EqualTo(new[] { "model", "model", "model", "model" }));
        Assert.That(Models(1), Is.EqualTo(new[] { "model", Names[0], "_OTHER", Names[0] }));

        static IEnumerable<string> Models(int maxTags)
        {
            using var record = new MeterRecord();
            using var engine = Engine(record, builder => builder.ConfigureMetrics(metrics => metrics.MaxAdapterTags = maxTags));
            foreach (string? adapter in (string?[])[null, Names[0], Names[1], Names[0]])
            {
                engine.Finish(engine.Ask(Request(adapter, tokens: 2)));
            }

            IReadOnlyList<Measured> durations = record.Of("gen_ai.server.request.duration");
            Assert.That(durations.Select(duration => duration.Tags["gen_ai.provider.name"]).Distinct(), Is.EqualTo(new[] { "slora" }));
            Assert.That(durations.Select(duration => duration.Tags["gen_ai.operation.name"])
                .Distinct(), Is.EqualTo(new[] { "text_completion" }));
            return [.. durations.Select(duration => duration.Tags["gen_ai.request.model"])];
        }
    }

    [Test]
    public void The_end_of_a_request_is_counted_by_its_reason_and_errors_by_their_code()
    {
        using var record = new MeterRecord();
        using var engine = Engine(record);
        Answer whole = engine.Ask(Request(null, tokens: 2));
        Answer refused = engine.Ask(Request("nobody", tokens: 2));
        engine.Finish(whole, refused);
        using var cancellation = new CancellationTokenSource();
        Answer cancelled = engine.Ask(Request(null, tokens: 50), cancellation.Token);
        engine.Loop.Step();
        cancellation.Cancel();
        engine.Finish(cancelled);
        Assert.That(refused.Error, Is.TypeOf<AdapterNotFoundException>());

        Assert.Multiple(() =>
        {
            Assert.That(record.Of("slora.requests.finished")
                .Select(end => end.Tags["finish_reason"]), Is.EquivalentTo(new[] { "length", "failed", "cancelled" }));
            Assert.That(
                record.Of("gen_ai.server.request.duration").Select(end => end.Tags.GetValueOrDefault("error.type")),
                Is.EquivalentTo(new[] { null, ((SLoraException)refused.Error!).Code, null }));
        });
    }

    [TestCaseSource(nameof(AllNames))]
    public void A_listener_that_fails_stops_nobody(string instrument)
    {
        using var record = new MeterRecord { Failing = instrument };
        using var engine = Engine(record);
        Answer answer = engine.Ask(Request(Names[0], tokens: 3));
        engine.Finish(answer);

        Assert.That(answer.Tokens, Has.Count.EqualTo(3));
    }

    [Test]
    public void After_the_engine_its_gauges_say_nothing()
    {
        using var record = new MeterRecord();
        Engine(record).Dispose();
        record.ReadGauges();

        Assert.That(record.Of("slora.pool.pages"), Is.Empty);
    }

    private static IEnumerable<string> AllNames()
    {
        using var record = new MeterRecord();
        using var engine = Engine(record);
        return [.. record.Instruments.Select(instrument => instrument.Name)];
    }

    private static SteppedEngine Engine(MeterRecord record, Action<LoraServingEngineBuilder>? configure = null, int chunkLimit = 256) =>
        new(
        builder =>
        {
            builder.ConfigureMetrics(metrics => metrics.MeterFactory = record);
            configure?.Invoke(builder);
        },
        () => chunkLimit,
        Names);

    private static GenerationRequest Request(string? adapter, int tokens) => new()
    {
        Prompt = new[] { 3, 4, 5, 6 },
        Adapter = adapter,
        MaxTokens = tokens,
        IgnoreEndOfText = true,
    };
}
