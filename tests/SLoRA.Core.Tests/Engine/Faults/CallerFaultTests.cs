using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Engine.Faults;

/// <summary>
/// Every callback of a host program throws, at every moment at which it is called: the engine goes on, whoever did not ask for the callback
/// is answered as ever, and every stream ends.
/// </summary>
/// <param name="overlaps">Whether a step publishes while the next one computes.</param>
[TestFixture(false)]
[TestFixture(true)]
[Parallelizable(ParallelScope.All)]
public sealed class CallerFaultTests(bool overlaps)
{
    // A stream that never ends is what is looked for: a test must not wait for it for ever.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly GenerationRequest Plain =
        new() { Prompt = Enumerable.Range(9, 12).ToArray(), MaxTokens = 6, IgnoreEndOfText = true };

    private static readonly Lazy<Task<Outcome>> Quiet = new(() => RunAsync(new Saboteur(), overlaps: false));

    /// <summary>Callback → what becomes of the host's own request; null when building or nothing at all may fail.</summary>
    private static readonly (string Callback, Type? Error)[] Callbacks =
    [
        ("prompt", typeof(InvalidRequestException)),
        ("adapters", typeof(InvalidRequestException)),
        ("stop tokens", typeof(InvalidRequestException)),
        ("logit bias", typeof(InvalidRequestException)),
        ("hook", typeof(HostFault)),
        ("stop condition", typeof(HostFault)),
        ("stop matcher", typeof(HostFault)),
        ("source", typeof(AdapterLoadException)),
        ("source later", typeof(AdapterLoadException)),
        ("timer", typeof(SLoraException)),
        ("timer disposed", null),
        ("clock", null),
        ("logger", null),
        ("logger asked", null),
        ("measurement", null),
        ("span sampled", null),
        ("span started", null),
        ("span stopped", null),
        ("progress", null),
        ("meter factory", null),
        ("instrument published", null),
    ];

    private static IEnumerable<TestCaseData> Names =>
        Callbacks.Select((row, place) => new TestCaseData(place).SetArgDisplayNames(row.Callback));

    [TestCaseSource(nameof(Names))]
    public async Task A_callback_that_throws_at_any_moment_is_its_own_requests_affair_and_no_others(int row)
    {
        (string callback, Type? error) = Callbacks[row];
        Outcome quiet = await Quiet.Value;
        int calls = quiet.Calls.GetValueOrDefault(callback);
        Assert.That(calls, Is.GreaterThan(0), "the scenario calls it");
        foreach (int moment in Moments(calls))
        {
            Outcome outcome = await RunAsync(new Saboteur(callback, moment), overlaps);
            if (outcome.BuildError is { } buildError)
            {
                // What a program hands to the building is called there, and its error is the building's.
                Assert.That(callback, Is.AnyOf("progress", "meter factory", "instrument published"), $"at {moment}");
                Assert.That(buildError, Is.TypeOf<HostFault>());
                continue;
            }

            Assert.That(outcome.Others, Is.EqualTo(quiet.Others), $"the others' answers, at {moment}");
            Assert.That(outcome.RegisterError, callback == "timer"
                ? Is.Null.Or.TypeOf<AdapterLoadException>()
                : Is.Null, $"registering, at {moment}");
            if (outcome.OwnError is { } ownError)
            {
                // A timer for the deadline is the request's own, one for reading is the reading's.
                Assert.That(ownError, callback == "timer"
                    ? Is.InstanceOf<SLoraException>().Or.TypeOf<InvalidOperationException>()
                    : Is.InstanceOf(error!), $"at {moment}");
            }
            else
            {
                Assert.That(outcome.Own, Is.EqualTo(quiet.Own), $"at {moment}");
            }
        }
    }

    /// <summary>Every one of few calls; of many the first, some in between and the last.</summary>
    private static IEnumerable<int> Moments(int calls) =>
        calls <= 8
            ? Enumerable.Range(1, Math.Max(1, calls))
            : Enumerable.Range(1, 4).Concat(Enumerable.Range(1, 4).Select(i => 4 + ((calls - 4) * i / 4)));

    private static async Task<Outcome> RunAsync(Saboteur saboteur, bool overlaps)
    {
        using var host = new SabotagedHost(saboteur);
        using var spans = new SabotagedSpans(saboteur);
        LoraServingEngine engine;
        try
        {
            engine = await LoraServingEngine.CreateBuilder()
                .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
                .UseBackend((rows, outputs) => new CpuBackend(rows, outputs, 1))
                .ConfigurePool(pool => pool.Bytes = 4L << 20)
                .ConfigureScheduling(scheduling => scheduling.OverlapPublishing = overlaps)
                .ConfigureMetrics(metrics => metrics.MeterFactory = host)
                .UseAdapterSource(host)
                .UseLogger(host)
                .UseTimeProvider(host.Clock)
                .CheckInvariants()
                .BuildAsync(host)
                .WaitAsync(Patience);
        }
        catch (HostFault error)
        {
            return new Outcome(error, null, null, [], [], saboteur.Calls);
        }

        GenerationStream[] others = [.. Enumerable.Range(0, 2).Select(i => engine.GenerateAsync(Plain with { Continuations = 1 + i }))];
        Task<int[]>[] answers = [.. others.Select(stream => CollectAsync(stream))];
        GenerationStream? own = null;
        Exception? ownError = null;
        int[] ownAnswer = [];
        try
        {
            own = engine.GenerateAsync(host.Request);
            ownAnswer = await CollectAsync(own).WaitAsync(Patience);
        }
        catch (Exception error) when (error is not TimeoutException)
        {
            ownError = error;
        }

        int[][] read = await Task.WhenAll(answers).WaitAsync(Patience);
        Exception? registerError = null;
        try
        {
            await engine.Adapters.RegisterAsync("rslora", SteppedEngine.AdapterFolder("rslora")).WaitAsync(Patience);
            Assert.That(await engine.Adapters.UnregisterAsync("rslora").WaitAsync(Patience), Is.True);
        }
        catch (Exception error) when (error is SLoraException)
        {
            registerError = error;
        }

        await engine.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.That(others.Append(own).OfType<GenerationStream>()
            .Select(stream => stream.FinishReason), Has.None.Null, "every stream has ended");
        return new Outcome(null, ownError, registerError, ownAnswer, read, saboteur.Calls);
    }

    /// <summary>The tokens of an answer, those of each continuation together.</summary>
    private static async Task<int[]> CollectAsync(GenerationStream stream)
    {
        var tokens = new List<GeneratedToken>();
        await foreach (GeneratedToken token in stream)
        {
            tokens.Add(token);
        }

        return [.. tokens.OrderBy(token => token.Continuation).ThenBy(token => token.Index).Select(token => token.Id)];
    }

    private sealed record Outcome(
        Exception? BuildError, Exception? OwnError, Exception? RegisterError, int[] Own, int[][] Others,
        IReadOnlyDictionary<string, int> Calls);
}
