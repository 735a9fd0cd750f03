using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>
/// Random histories of requests, replacements, pins, evictions, a main memory that shrinks and grows, and files that break, over a pool
/// that holds two of the adapters. Whatever happens, an answer is the one of the content that its name stood for, and at the end nothing is
/// held.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class ResidencyStateMachineTests
{
    private static readonly string[] Contents = ["qv", "r1", "rslora", "wide", "bf16", "fp16"];
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 5, IgnoreEndOfText = true };
    private static readonly Dictionary<string, IReadOnlyList<int>> Expected = Contents.ToDictionary(content => content, Alone);

    [SeededProperty(MaxTest = 40)]
    public void Every_answer_is_that_of_its_own_content_in_any_history(NonEmptyArray<byte> history)
    {
        var clock = new ManualClock();
        AdapterCacheOptions options = null!;
        using var copy = new CopiedAdapter("qv");
        using var engine = new SteppedEngine(builder => builder
            .UseTimeProvider(clock)
            .UseAdapterSource(new AdapterDirectorySource(RepositoryFolder.Fixture("core-llama-gqa", "adapters")))
            .ConfigureAdapters(own =>
            {
                options = own;
                // Time runs here without waiting for what is being read, and stands still while readers would rest.
                own.LoadTimeout = TimeSpan.FromDays(30);
                own.PageInShare = 1;
            })
            .ConfigurePool(pool => pool.Bytes = 44 * 12288)
            .ConfigureScheduling(scheduling => (scheduling.MaxRowsPerStep, scheduling.MaxRunning) = (16, 4)));
        engine.Run(engine.Adapters.RegisterAsync("fragile", copy.Path, AdapterValidation.Content));
        var stands = new Dictionary<string, string> { ["fragile"] = "qv" };
        var asked = new List<(Answer Answer, string Content, bool MayFail, CancellationTokenSource Cancellation)>();
        foreach (byte call in history.Get)
        {
            int argument = call / 10;
            string name =
                argument % 5 == 0 ? "fragile" : argument % 2 == 0 ? Contents[argument % Contents.Length] : "name" + (argument % 3);
            switch (call % 10)
            {
                case 0 or 1 or 2 when stands.ContainsKey(name) || Contents.Contains(name):
                    var cancellation = new CancellationTokenSource();
                    asked.Add((engine.Ask(Question with { Adapter = name }, cancellation.Token), stands.GetValueOrDefault(name, name),
                        name == "fragile", cancellation));
                    break;
                case 3 when asked.Count > 0:
                    asked[argument % asked.Count].Cancellation.Cancel();
                    break;
                case 4 when name != "fragile":
                    string content = Contents[(argument + 1) % Contents.Length];
                    engine.Run(engine.Adapters.ReplaceAsync(name, SteppedEngine.AdapterFolder(content), argument % 2 == 0
                        ? AdapterValidation.Headers
                        : AdapterValidation.Content));
                    stands[name] = content;
                    break;
                case 5:
                    Try(engine, argument % 2 == 0 ? engine.Adapters.PinAsync(name) : engine.Adapters.UnpinAsync(name));
                    break;
                case 6:
                    Try(engine, argument % 2 == 0 ? engine.Adapters.EvictAsync(name) : engine.Adapters.PreloadAsync(name));
                    break;
                case 7:
                    options.HostBytes = argument % 2 == 0 ? 1L << 30 : argument * 4096L;
                    break;
                case 8:
                    if (argument % 2 == 0)
                    {
                        copy.FlipLastBit();
                    }
                    else
                    {
                        copy.Become("qv");
                    }

                    clock.Advance(TimeSpan.FromSeconds(argument));
                    break;
                default:
                    engine.Loop.Step();
                    break;
            }
        }

        foreach (AdapterStatus adapter in engine.Adapters.List())
        {
            engine.Run(engine.Adapters.UnpinAsync(adapter.Name));
        }

        engine.Finish(asked.Select(entry => entry.Answer));

        foreach ((Answer answer, string content, bool mayFail, CancellationTokenSource cancellation) in asked)
        {
            switch (answer.Stream.FinishReason)
            {
                case FinishReason.Length:
                    Assert.That(answer.Tokens, Is.EqualTo(Expected[content]), content);
                    break;
                case FinishReason.Cancelled:
                    Assert.That(cancellation.IsCancellationRequested, Is.True);
                    break;
                default:
                    // Beside what was pinned when it arrived it may have been too large.
                    Assert.That(answer.Error, mayFail
                        ? Is.InstanceOf<SLoraException>()
                        : Is.TypeOf<RequestTooLargeException>(), answer.Error?.ToString());
                    break;
            }
        }

        engine.DropCaches();
        foreach (AdapterStatus adapter in engine.Adapters.List())
        {
            Assert.That(adapter.Requests, Is.EqualTo(0));
            engine.Run(engine.Adapters.UnregisterAsync(adapter.Name));
        }

        engine.StepUntil(() => engine.Loop.Names.Current.Values.All(registration => registration.Loading is null));
        Assert.That((engine.Loop.Generations.Count, engine.Loop.HostStore.Bytes), Is.EqualTo((0, 0L)));
        Assert.That(engine.Loop.DeviceCache.OwnedPages, Is.EqualTo(0));
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total));
        Assert.That(engine.Loop.Snapshot().Pool.Reserved, Is.EqualTo(0));
    }

    private static void Try(SteppedEngine engine, Task command)
    {
        try
        {
            engine.Run(command);
        }
        catch (SLoraException error) when (error is AdapterNotFoundException or AdapterTooLargeException or AdapterLoadException)
        {
            // The history asks for what there is not, for more than there is room for, or for what is broken.
        }
    }

    private static IReadOnlyList<int> Alone(string content)
    {
        using var engine = new SteppedEngine(adapters: [content]);
        Answer answer = engine.Ask(Question with { Adapter = content });
        engine.Finish(answer);
        return answer.Tokens;
    }
}
