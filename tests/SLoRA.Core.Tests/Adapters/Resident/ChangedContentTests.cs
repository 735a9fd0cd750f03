using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Adapters.Resident;

/// <summary>
/// Folders that are overwritten while their names are in use: the same rule for those that were registered and those that a source brings.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class ChangedContentTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 8, IgnoreEndOfText = true };

    [Test]
    public void A_changed_folder_is_an_error_that_names_both_identities_until_it_is_refreshed(
        [Values] bool isFromSource, [Values("qv", "wide")] string after)
    {
        using var copy = new CopiedAdapter("rslora");
        var log = new LogRecord();
        using SteppedEngine engine = Engine(copy, isFromSource, ChangedContent.Refuse, log);
        Assert.That(AnswerOf(engine), Is.EqualTo(Alone("rslora")));
        string before = engine.Adapters.List().Single().Generation!;
        engine.Run(engine.Adapters.EvictAsync("a"));
        copy.Become(after);

        Answer refused = engine.Ask(Question with { Adapter = "a" });
        Answer other = engine.Ask(Question);
        engine.Finish(refused, other);

        Assert.That(other.Tokens, Has.Count.EqualTo(8));
        Assert.That(refused.Error, Is.TypeOf<AdapterChangedException>().With.Property("Code")
            .EqualTo("adapter.changed").And.Property("Adapter").EqualTo("a"));
        var error = (AdapterChangedException)refused.Error!;
        Assert.That(error.Expected, Does.StartWith($"generation {before} "));
        Assert.That(error.Found, Does.Not.Contain(before));
        Assert.That(error.Message, Does.Contain(error.Expected).And.Contain(error.Found));
        Assert.That(engine.Adapters.List().Single(), Has.Property("IsStale").True.And.Property("Generation").EqualTo(before));
        Assert.That(log.Warnings.Single(), Does.Contain(error.Expected).And.Contain(error.Found));

        Assert.That(engine.Run(engine.Adapters.RefreshAsync("a")), Is.True);

        Assert.That(engine.Adapters.List().Single(), Has.Property("IsStale").False.And.Property("Generation").Not.EqualTo(before));
        Assert.That(AnswerOf(engine), Is.EqualTo(Alone(after)));
    }

    [Test]
    public void What_is_again_what_it_was_is_served_again()
    {
        var clock = new ManualClock();
        using var copy = new CopiedAdapter("rslora");
        using SteppedEngine engine = Engine(copy, isFromSource: false, ChangedContent.Refuse, new LogRecord(), clock);
        engine.Run(engine.Adapters.EvictAsync("a"));
        copy.Become("qv");
        Answer refused = engine.Ask(Question with { Adapter = "a" });
        engine.Finish(refused);
        Assert.That(refused.Error, Is.TypeOf<AdapterChangedException>());

        copy.Become("rslora");
        clock.Advance(TimeSpan.FromSeconds(1));

        Assert.That(AnswerOf(engine), Is.EqualTo(Alone("rslora")));
        Assert.That(engine.Adapters.List().Single().IsStale, Is.False);
    }

    [Test]
    public void By_option_the_next_reading_makes_it_the_names_new_content([Values] bool isFromSource, [Values("qv", "wide")] string after)
    {
        using var copy = new CopiedAdapter("rslora");
        var log = new LogRecord();
        using SteppedEngine engine = Engine(copy, isFromSource, ChangedContent.Adopt, log);
        IReadOnlyList<int> first = AnswerOf(engine);
        copy.Become(after);
        Assert.That(AnswerOf(engine), Is.EqualTo(first), "what is in memory is not looked at");
        Assert.That(log.Warnings, Is.Empty);

        engine.Run(engine.Adapters.EvictAsync("a"));

        Assert.That(AnswerOf(engine), Is.EqualTo(Alone(after)));
        Assert.That(log.Warnings.Single(), Does.Contain("is served as it is now"));
        Assert.That(engine.Adapters.List().Single().IsStale, Is.False);
        Assert.That(engine.Loop.Generations.Count, Is.EqualTo(1), "nobody holds the old content");
    }

    [Test]
    public void Refreshing_what_has_not_changed_reads_nothing_and_what_was_only_touched_stays()
    {
        using var copy = new CopiedAdapter("rslora");
        using SteppedEngine engine = Engine(copy, isFromSource: false, ChangedContent.Refuse, new LogRecord());
        engine.Run(engine.Adapters.RegisterTensorsAsync("mine", TestTensors.Of("qv")));
        long loads = engine.Adapters.List().Single(adapter => adapter.Name == "a").Loads;

        Assert.That(engine.Run(engine.Adapters.RefreshAsync("a")), Is.False);
        Assert.That(engine.Adapters.List().Single(adapter => adapter.Name == "a").Loads, Is.EqualTo(loads));

        File.SetLastWriteTimeUtc(copy.TensorFile, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.That(engine.Run(engine.Adapters.RefreshAsync("a")), Is.False, "equal content is the same generation");
        Assert.That(engine.Adapters.List().Single(adapter => adapter.Name == "a").Loads, Is.EqualTo(loads + 1));

        Assert.That(engine.Run(engine.Adapters.RefreshAsync("mine")), Is.False, "tensors never change");
        Assert.That(() => engine.Run(engine.Adapters.RefreshAsync("nobody")), Throws.TypeOf<AdapterNotFoundException>());
    }

    [Test]
    public void A_request_that_runs_while_its_adapter_is_refreshed_ends_on_the_content_it_began_with()
    {
        using var copy = new CopiedAdapter("rslora");
        using SteppedEngine engine = Engine(copy, isFromSource: false, ChangedContent.Refuse, new LogRecord());
        Answer running = engine.Ask(Question with { Adapter = "a" });
        engine.StepUntil(() => engine.Status.GeneratedTokens > 0);
        copy.Become("qv");

        Assert.That(engine.Run(engine.Adapters.RefreshAsync("a")), Is.True);
        Answer next = engine.Ask(Question with { Adapter = "a" });
        engine.Finish(running, next);

        Assert.That(running.Tokens, Is.EqualTo(Alone("rslora")));
        Assert.That(next.Tokens, Is.EqualTo(Alone("qv")));
    }

    [Test]
    public void A_broken_folder_is_not_what_a_name_is_refreshed_to()
    {
        using var copy = new CopiedAdapter("rslora");
        using SteppedEngine engine = Engine(copy, isFromSource: false, ChangedContent.Adopt, new LogRecord());
        File.WriteAllText(copy.TensorFile, "torn");

        Assert.That(() => engine.Run(engine.Adapters.RefreshAsync("a")), Throws.TypeOf<AdapterLoadException>());

        Assert.That(AnswerOf(engine), Is.EqualTo(Alone("rslora")));
    }

    [Test]
    public void An_option_that_there_is_not_is_refused_by_name() => Assert.That(
        () => OptionRules.Check(new AdapterCacheOptions { ChangedContent = (ChangedContent)7 }),
        Throws.TypeOf<InvalidOptionException>().With.Message.Contains("Adapters.ChangedContent"));

    private static SteppedEngine Engine(
        CopiedAdapter copy, bool isFromSource, ChangedContent change, LogRecord log, TimeProvider? clock = null)
    {
        var engine = new SteppedEngine(builder => builder
            .ConfigureAdapters(options => options.ChangedContent = change)
            .ConfigurePool(pool => pool.PrefixReuse = false)
            .UseTimeProvider(clock ?? TimeProvider.System)
            .UseAdapterSource(new FolderSource(copy.Path))
            .UseLogger(log));
        if (!isFromSource)
        {
            engine.Run(engine.Adapters.RegisterAsync("a", copy.Path, AdapterValidation.Content));
        }

        return engine;
    }

    private static IReadOnlyList<int> AnswerOf(SteppedEngine engine)
    {
        Answer answer = engine.Ask(Question with { Adapter = "a" });
        engine.Finish(answer);
        return answer.Tokens;
    }

    private static IReadOnlyList<int> Alone(string content)
    {
        using var engine = new SteppedEngine(adapters: [content]);
        Answer answer = engine.Ask(Question with { Adapter = content });
        engine.Finish(answer);
        return answer.Tokens;
    }

    private sealed class FolderSource(string folder) : IAdapterSource
    {
        public ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken) =>
            ValueTask.FromResult(name == "a" ? AdapterOrigin.FromFolder(folder) : null);
    }

    private sealed class LogRecord : ILogger
    {
        private readonly ConcurrentQueue<string> _warnings = new();

        public IEnumerable<string> Warnings => _warnings;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Name is "Changed" or "Adopted")
            {
                _warnings.Enqueue(formatter(state, exception));
            }
        }
    }
}
