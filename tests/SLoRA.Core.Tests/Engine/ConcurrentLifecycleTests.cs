using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Engine.Faults;
using SLoRA.Core.Tests.Engine.Histories;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Many threads that register, replace, remove and use the same names beside hundreds of streams, on the real engine thread. Results are
/// linearizable: whatever the interleaving, there is an order of the calls that gives them. <c>SLORA_THREAD_SECONDS=60</c> makes it long.
/// </summary>
public sealed class ConcurrentLifecycleTests
{
    private const int Callers = 32;
    private const int Streams = 200;

    private static readonly string[] Contents = ["qv", "r1", "rslora"];

    private static readonly GenerationRequest Question = new()
    {
        Prompt = Enumerable.Range(7, 20).ToArray(),
        MaxTokens = 6,
        IgnoreEndOfText = true,
        LogProbabilities = new LogProbabilityOptions(),
    };

    [Test]
    public async Task Scenario_08_thirty_two_callers_that_change_and_use_names_beside_two_hundred_streams_get_linearizable_results()
    {
        double seconds = double.TryParse(
            Environment.GetEnvironmentVariable("SLORA_THREAD_SECONDS"), NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                ? value
                : 3;
        Dictionary<string, TokenBits[]> alone = Contents.ToDictionary(content => content, content => Alone(content, Question));
        Dictionary<(string, int), TokenBits[]> streamsAlone = Contents.Append(ConcurrentStreams.Base)
            .SelectMany(_ => Enumerable.Range(0, ConcurrentStreams.Variants), (content, variant) => (content, variant))
            .ToDictionary(key => key,
                key => Alone(key.content == ConcurrentStreams.Base ? null : key.content, ConcurrentStreams.Question(key.variant)));
        Assert.That(streamsAlone.Values.Select(tokens => string.Join(' ', tokens)), Is.Unique, "an answer tells whose it is");

        // Pages for all streams and callers, not for everything that they leave behind: idle adapters and prefixes go all the time.
        await using LoraServingEngine engine = await Builder()
            .AddAdapter("steady", SteppedEngine.AdapterFolder("rslora"))
            .ConfigurePool(pool => pool.Bytes = (((Streams + Callers) * 4) + 40) * EngineHistory.PageBytes)
            .ConfigureScheduling(
                scheduling => (scheduling.MaxRunning, scheduling.MaxRowsPerStep) = (Streams + Callers, 2 * (Streams + Callers)))
            .CheckInvariants().BuildAsync();
        NameLog[] names = [new NameLog("a"), new NameLog("b"), new NameLog("c")];
        var streams = new ConcurrentStreams(engine, names, ("steady", "rslora"), streamsAlone);
        var answers = new ConcurrentBag<(NameLog Name, long Begun, long Bound, string? Content)>();
        var clock = Stopwatch.StartNew();
        bool IsOver() => clock.Elapsed.TotalSeconds >= seconds;
        int most = 0;
        Task places = Task.WhenAll(Enumerable.Range(0, Streams).Select(place => Task.Run(() => streams.Refill(place, IsOver))));
        Task callers = Task.WhenAll(Enumerable.Range(0, Callers)
            .Select(caller => Task.Run(() => Call(engine, names, new Random(caller), alone, answers, () =>
        {
            InterlockedMax(ref most, engine.Status.Running);
            return IsOver();
        }))));
        await Task.WhenAll(places, callers);

        Assert.That(streams.Wrong, Is.Empty, "streams whose name stood for one thing all the time");
        foreach ((NameLog name, long begun, long bound, string? content) in answers.Concat(streams.Named))
        {
            if (!name.MayHaveStoodFor(content, begun, bound))
            {
                Assert.Fail($"{name.Name} gave {content ?? "nothing"} between {begun} and {bound}");
            }
        }

        foreach (NameLog name in names)
        {
            name.Check(engine.Adapters.Contains(name.Name));
            await engine.Adapters.UnregisterAsync(name.Name);
        }

        await engine.DropCachesAsync();
        Assert.That(engine.Status.Pool.Free, Is.EqualTo(engine.Status.Pool.Total), "free pages");
        int answered = answers.Count(answer => answer.Content is not null);
        TestContext.Out.WriteLine(
            $"{seconds} s: {answers.Count} requests of callers, {answered} answered, {names.Sum(name => name.Count)} changes; "
            + $"{streams.Ended} streams ended, {streams.Tokens} tokens, "
            + $"{streams.Named.Count(answer => answer.Content is not null)} of names that changed; up to {most} sequences at once, "
            + $"{engine.Status.Steps} steps");
        Assert.That(answered, Is.GreaterThan(0), "answers");
        Assert.That(streams.Ended, Is.GreaterThanOrEqualTo(Streams), "streams that ended");
        Assert.That(most, Is.GreaterThanOrEqualTo(Streams / 2), "sequences at once");
    }

    [Test]
    public async Task A_call_from_another_thread_is_taken_while_a_step_computes_because_no_lock_is_held_across_a_step()
    {
        using var entered = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        await using LoraServingEngine engine = await Builder()
            .UseBackend((rows, outputs) => new InterceptedBackend(new CpuBackend(rows, outputs, 1), operation =>
            {
                if (operation == "Attend" && !leave.IsSet)
                {
                    entered.Set();
                    leave.Wait();
                }
            }))
            .AddAdapter("a", SteppedEngine.AdapterFolder("qv"))
            .AddAdapter("c", SteppedEngine.AdapterFolder("r1"))
            .BuildAsync();
        Task<TokenBits[]?> blocked = Task.Run(async () => (await Generate(engine, "a")).Tokens);
        entered.Wait();

        // All of these are made while the engine's thread stands inside a step; none of them may wait for it.
        Task<Task[]> calls = Task.Run<Task[]>(() =>
        {
            using var cancellation = new CancellationTokenSource();
            Task<(TokenBits[]?, long)> cancelled = Generate(engine, "a", cancellation.Token);
            cancellation.Cancel();
            Assert.That(engine.Status.Pool.Total, Is.GreaterThan(0));
            Assert.That(engine.Adapters.List(), Has.Count.GreaterThanOrEqualTo(2));
            return
            [
                Generate(engine, "a"), cancelled, engine.Adapters.RegisterAsync("b", SteppedEngine.AdapterFolder("r1")),
                engine.Adapters.ReplaceAsync("a", SteppedEngine.AdapterFolder("rslora")), engine.Adapters.PreloadAsync("c"),
                engine.Adapters.UnpinAsync("c"),
            ];
        });
        Assert.That(calls.Wait(TimeSpan.FromSeconds(60)), Is.True, "the calls return");
        Assert.That(blocked.IsCompleted, Is.False, "the step still computes");

        leave.Set();
        foreach (Task call in calls.Result)
        {
            await ((Task)Task.WhenAny(call));
            Assert.That(call.IsCompletedSuccessfully || call.Exception?.InnerException is OperationCanceledException
                || call.IsCanceled, Is.True, call.Exception?.ToString());
        }

        Assert.That(
            await blocked, Is.EqualTo(Alone("qv", Question)), "the request that was computing ends on the content that it began with");
    }

    private static LoraServingEngineBuilder Builder() => LoraServingEngine.CreateBuilder()
        .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model")).ConfigurePool(pool => pool.Bytes = 8L << 20)
            .UseCpu(cpu => cpu.Threads = 1);

    private static TokenBits[] Alone(string? content, GenerationRequest request)
    {
        using var engine = new SteppedEngine(builder => builder.UseCpu(cpu => cpu.Threads = 1), adapters: content is null ? [] : [content]);
        Answer answer = engine.Ask(request with { Adapter = content });
        engine.Finish(answer);
        return TokenBits.InOrder(answer.Items);
    }

    /// <summary>One caller: changes names and uses them until the time is over.</summary>
    private static async Task Call(
        LoraServingEngine engine,
        NameLog[] names,
        Random random,
        Dictionary<string, TokenBits[]> alone,
        ConcurrentBag<(NameLog Name, long Begun, long Bound, string? Content)> answers,
        Func<bool> isOver)
    {
        while (!isOver())
        {
            NameLog name = names[random.Next(names.Length)];
            string content = Contents[random.Next(Contents.Length)];
            switch (random.Next(10))
            {
                case 0:
                    await name.Change(content, () => Succeeds<AdapterExistsException>(
                        () => engine.Adapters.RegisterAsync(name.Name, SteppedEngine.AdapterFolder(content))), needsFree: true);
                    break;
                case 1:
                    await name.Change(content, async () =>
                    {
                        await engine.Adapters.ReplaceAsync(name.Name, SteppedEngine.AdapterFolder(content), AdapterValidation.Headers);
                        return true;
                    });
                    break;
                case 2:
                    await name.Change(null, () => engine.Adapters.UnregisterAsync(name.Name));
                    break;
                default:
                    long begun = NameLog.Tick();
                    (TokenBits[]? tokens, long bound) = await Generate(engine, name.Name);
                    string? given =
                        tokens is null ? null : Contents.FirstOrDefault(own => alone[own].SequenceEqual(tokens)) ?? "something else";
                    answers.Add((name, begun, bound, given));
                    break;
            }
        }
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (int seen = most; seen < value; seen = most)
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }

    private static async Task<bool> Succeeds<TError>(Func<Task> call)
        where TError : Exception
    {
        try
        {
            await call();
            return true;
        }
        catch (TError)
        {
            return false;
        }
    }

    private static Task<(TokenBits[]? Tokens, long Bound)> Generate(
        LoraServingEngine engine, string name, CancellationToken cancellation = default) =>
        ConcurrentStreams.Generate(engine, Question with { Adapter = name }, cancellation);
}
