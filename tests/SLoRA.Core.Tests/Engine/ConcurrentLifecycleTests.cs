using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Engine.Faults;
using SLoRA.Core.Tests.Engine.Histories;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Many threads that register, replace, remove and use the same names, on the real engine thread. Results are linearizable: whatever the interleaving, there
/// is an order of the calls that gives them. <c>SLORA_THREAD_SECONDS=60</c> makes it long.
/// </summary>
public sealed class ConcurrentLifecycleTests
{
    private const int Callers = 32;

    private static readonly string[] Contents = ["qv", "r1", "rslora"];

    private static readonly GenerationRequest Question = new()
    {
        Prompt = Enumerable.Range(7, 20).ToArray(),
        MaxTokens = 6,
        IgnoreEndOfText = true,
        LogProbabilities = new LogProbabilityOptions(),
    };

    [Test]
    public async Task Scenario_08_thirty_two_callers_that_change_and_use_the_same_names_get_linearizable_results()
    {
        double seconds = double.TryParse(
            Environment.GetEnvironmentVariable("SLORA_THREAD_SECONDS"), NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : 3;
        Dictionary<string, TokenBits[]> alone = Contents.ToDictionary(content => content, Alone);
        await using LoraServingEngine engine = await Builder().ConfigurePool(pool => pool.Bytes = 48 * EngineHistory.PageBytes).CheckInvariants().BuildAsync();
        var names = new[] { new NameLog("a"), new NameLog("b"), new NameLog("c") };
        var clock = Stopwatch.StartNew();
        var answers = new ConcurrentBag<(NameLog Name, long Begun, long Ended, string? Content)>();
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            var random = new Random(caller);
            while (clock.Elapsed.TotalSeconds < seconds)
            {
                NameLog name = names[random.Next(names.Length)];
                string content = Contents[random.Next(Contents.Length)];
                switch (random.Next(10))
                {
                    case 0:
                        await name.Change(content, () => Succeeds<AdapterExistsException>(() => engine.Adapters.RegisterAsync(name.Name, SteppedEngine.AdapterFolder(content))), needsFree: true);
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
                        (TokenBits[]? tokens, long arrived) = await Generate(engine, name.Name);
                        string? given = tokens is null ? null : Contents.FirstOrDefault(content => alone[content].SequenceEqual(tokens)) ?? "something else";
                        answers.Add((name, begun, arrived, given));
                        break;
                }
            }
        })));

        foreach ((NameLog name, long begun, long ended, string? content) in answers)
        {
            if (!name.MayHaveStoodFor(content, begun, ended))
            {
                Assert.Fail($"{name.Name} gave {content ?? "nothing"} between {begun} and {ended}");
            }
        }

        foreach (NameLog name in names)
        {
            name.Check(engine.Adapters.Contains(name.Name));
            await engine.Adapters.UnregisterAsync(name.Name);
        }

        await engine.DropCachesAsync();
        Assert.That(engine.Status.Pool.Free, Is.EqualTo(engine.Status.Pool.Total), "free pages");
        Assert.That(answers.Count(answer => answer.Content is not null), Is.GreaterThan(Callers), "answers");
        TestContext.Out.WriteLine($"{answers.Count} requests, {answers.Count(answer => answer.Content is not null)} answered, {names.Sum(name => name.Count)} changes in {seconds} s");
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
                engine.Adapters.ReplaceAsync("a", SteppedEngine.AdapterFolder("rslora")), engine.Adapters.PreloadAsync("c"), engine.Adapters.UnpinAsync("c"),
            ];
        });
        Assert.That(calls.Wait(TimeSpan.FromSeconds(60)), Is.True, "the calls return");
        Assert.That(blocked.IsCompleted, Is.False, "the step still computes");

        leave.Set();
        foreach (Task call in calls.Result)
        {
            await ((Task)Task.WhenAny(call));
            Assert.That(call.IsCompletedSuccessfully || call.Exception?.InnerException is OperationCanceledException || call.IsCanceled, Is.True, call.Exception?.ToString());
        }

        Assert.That(await blocked, Is.EqualTo(Alone("qv")), "the request that was computing ends on the content that it began with");
    }

    private static LoraServingEngineBuilder Builder() => LoraServingEngine.CreateBuilder()
        .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model")).ConfigurePool(pool => pool.Bytes = 8L << 20).UseCpu(cpu => cpu.Threads = 1);

    private static TokenBits[] Alone(string content)
    {
        using var engine = new SteppedEngine(builder => builder.UseCpu(cpu => cpu.Threads = 1), adapters: [content]);
        Answer answer = engine.Ask(Question with { Adapter = content });
        engine.Finish(answer);
        return TokenBits.InOrder(answer.Items);
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

    /// <summary>The answer, null if the name stood for nothing, and a moment after it was bound.</summary>
    private static async Task<(TokenBits[]? Tokens, long Bound)> Generate(LoraServingEngine engine, string name, CancellationToken cancellation = default)
    {
        var tokens = new List<GeneratedToken>();
        long bound = 0;
        try
        {
            await foreach (GeneratedToken token in engine.GenerateAsync(Question with { Adapter = name }, cancellation))
            {
                bound = bound == 0 ? NameLog.Tick() : bound;
                tokens.Add(token);
            }
        }
        catch (AdapterNotFoundException)
        {
            return (null, NameLog.Tick());
        }

        return (TokenBits.InOrder(tokens), bound);
    }
}
